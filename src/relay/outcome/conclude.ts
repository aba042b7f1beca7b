import type { Ms } from '../../base/clock.ts';
import type { Outcome, RemoteReply } from '../../base/outcome.ts';
import { statuses, type Status } from '../../base/status.ts';
import type { ReportAction } from '../../protocol/dsn/report.ts';
import { HELD, type Due, type Settlement } from '../spool/spool.ts';
import { noticeOf } from './notify.ts';

/** When to give up and when to tell of a delay; part of the schedule's settings. */
export interface OutcomeSettings {
  /** Age at which a recipient is given up (RFC 5321 §4.5.4.1). */
  readonly expiry: Ms;
  /** Age at which the reverse-path is told of the delay, once; 0: never. */
  readonly delayNotice: Ms;
}

/** What follows from one attempt for one recipient. */
export interface Conclusion {
  /** The outcome, `expired` where a deferred one came too late. */
  readonly outcome: Outcome;
  /** The status of the attempt itself, which `expired` hides. */
  readonly because: Status;
  readonly result: Settlement['result'];
  /** What the reverse-path is to be told. */
  readonly notice: ReportAction | undefined;
}

/** Decides on one recipient. `retryAt` gives the time of its next attempt; `attempts` counts the one just made. */
export function conclude(
  row: Due,
  attempt: Outcome,
  now: Ms,
  settings: OutcomeSettings,
  retryAt: (attempts: number, now: Ms) => Ms,
): Conclusion {
  const because = attempt.status;
  if (attempt.kind !== 'deferred') {
    return { outcome: attempt, because, result: { kind: attempt.kind }, notice: noticeOf(row, attempt, false) };
  }
  if (attempt.held === true) {
    const { delayNotified } = row;
    return { outcome: attempt, because, result: { kind: 'deferred', due: HELD, delayNotified }, notice: undefined };
  }
  const end = row.at + settings.expiry;
  if (now >= end) {
    const outcome: Outcome = { ...attempt, kind: 'expired', status: statuses.expired };
    return { outcome, because, result: { kind: 'expired' }, notice: noticeOf(row, outcome, false) };
  }
  const isLate = settings.delayNotice > 0 && row.delayNotified === 0 && now - row.at >= settings.delayNotice;
  const notice = noticeOf(row, attempt, isLate);
  // The last attempt comes when the time is over, not one interval after.
  const due = Math.max(now + 1, Math.min(retryAt(row.attempts + 1, now), end));
  return {
    outcome: attempt,
    because,
    result: { kind: 'deferred', due, delayNotified: notice === 'delayed' ? now : row.delayNotified },
    notice,
  };
}

/**
 * The enhanced code to report: the remote server's where it has the class of the outcome, else our own (RFC 3464 §2.3.4).
 */
export function enhancedOf(outcome: Outcome): string {
  const kind = outcome.kind === 'delivered' ? '2' : outcome.kind === 'deferred' ? '4' : '5';
  const said = outcome.remote?.enhanced;
  if (outcome.kind !== 'expired' && said !== undefined && said.startsWith(`${kind}.`)) return said;
  const own = outcome.status.enhanced;
  return own !== undefined && own.startsWith(`${kind}.`) ? own : `${kind}.0.0`;
}

/** What the remote server said, on one line: `550 5.1.1 No such user`. */
export function remoteText(remote: RemoteReply): string {
  return remote.enhanced === undefined
    ? `${remote.code} ${remote.text}`
    : `${remote.code} ${remote.enhanced} ${remote.text}`;
}

/** Status for events: `4.4.1 No answer from the remote server: connect ECONNREFUSED`. */
export function statusText(outcome: Outcome): string {
  const text = `${enhancedOf(outcome)} ${outcome.status.text}`;
  return outcome.kind === 'delivered' ||
    outcome.remote !== undefined ||
    outcome.detail === '' ||
    outcome.detail === outcome.status.text
    ? text
    : `${text}: ${outcome.detail}`;
}
