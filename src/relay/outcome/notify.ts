/** Who is told what: NOTIFY and RET of RFC 3461, and never a notice about a notice. */
import type { Outcome } from '../../base/outcome.ts';
import type { ReportAction } from '../../protocol/dsn/report.ts';
import type { Due } from '../spool/spool.ts';

/**
 * The notice that an outcome calls for. Without NOTIFY that is one of failure and, when mail is late, one of delay
 * (RFC 3461 §5.2.2 to §5.2.4 and §4.1). Success is told only where it was asked for and the hop did not take over that duty.
 */
export function noticeOf(
  row: Pick<Due, 'notify' | 'envelope'>,
  outcome: Outcome,
  isLate: boolean,
): ReportAction | undefined {
  // RFC 5321 §4.5.5: nothing is ever sent to the null reverse-path.
  if (row.envelope.reversePath === '' || row.notify === 'never') return undefined;
  switch (outcome.kind) {
    case 'delivered':
      return row.notify?.includes('success') === true && !outcome.dsnRelayed ? 'relayed' : undefined;
    case 'deferred':
      return isLate && (row.notify === undefined || row.notify.includes('delay')) ? 'delayed' : undefined;
    default: // failed, expired
      return row.notify === undefined || row.notify.includes('failure') ? 'failed' : undefined;
  }
}

/**
 * Whether a notice returns the whole message. RET decides for failures (RFC 3461 §4.3), all others return the header.
 * Without RET a failure returns what fits. Binary content is never returned: it could go no further than the hop
 * that refused it.
 */
export function returnsFull(row: Pick<Due, 'envelope' | 'size'>, action: ReportAction, limit: number): boolean {
  return action === 'failed' && row.envelope.ret !== 'HDRS' && row.envelope.body !== 'BINARYMIME' && row.size <= limit;
}
