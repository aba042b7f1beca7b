/** What attempts came to, as far as the schedule looks at it. */
import type { Fault } from '../../base/fault.ts';
import type { Outcome } from '../../base/outcome.ts';
import { statusClass } from '../../base/status.ts';
import type { CarryResult } from '../message/shipment.ts';
import type { Due } from '../spool/spool.ts';

/** A connection that failed like this says something about the destination and nothing about the message. */
const SITE_FAILURES: ReadonlySet<string> = new Set([
  'connect-failed',
  'lookup-failed',
  'tls-unavailable',
  'tls-failed',
]);

/** Every recipient was put off because no usable connection came about. */
export function isSiteFailure(result: CarryResult): boolean {
  if (result.recipients.length === 0) return false;
  for (const { outcome } of result.recipients) {
    if (outcome.kind !== 'deferred') return false;
    if (!SITE_FAILURES.has(outcome.status.key) && outcome.remote?.command !== 'greeting') return false;
  }
  return true;
}

/** What an attempt came to that ended by a fault of ours. */
export function faulted(rows: readonly Due[], fault: Fault): CarryResult {
  const kind = statusClass(fault.status) === 5 ? 'failed' : 'deferred';
  const outcome: Outcome = { kind, status: fault.status, remote: undefined, hop: undefined, detail: fault.detail };
  return { recipients: rows.map(({ id }) => ({ id, outcome })), hop: undefined, tls: undefined };
}

/** The end of rows that were not attempted because a connection to their destination failed just now. */
export function notTried(rows: readonly Due[], failure: CarryResult): CarryResult {
  const last = (failure.recipients[0] as CarryResult['recipients'][number]).outcome;
  const said = last.kind === 'delivered' ? '' : last.detail;
  const detail = `not tried, the destination cannot be reached: ${said}`;
  const outcome: Outcome = { kind: 'deferred', status: last.status, remote: undefined, hop: undefined, detail };
  return { recipients: rows.map(({ id }) => ({ id, outcome })), hop: undefined, tls: undefined };
}
