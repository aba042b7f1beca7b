import type { Ms } from '../../base/clock.ts';

/** How mail is tried again, and how much at once. */
export interface ScheduleSettings {
  /** Wait before the second attempt; doubles with each further one, with jitter of ±`jitter`. */
  readonly firstRetry: Ms;
  readonly longestRetry: Ms;
  /** 0 to 1. */
  readonly jitter: number;
  /** Age at which a recipient not yet delivered is given up (RFC 5321 §4.5.4.1: 4 to 5 days). */
  readonly expiry: Ms;
  /** Age at which the sender is told of the delay, once; 0: never. */
  readonly delayNotice: Ms;
  /** Transactions at once, over all destinations. */
  readonly concurrency: number;
  /** Transactions at once to one destination. */
  readonly concurrencyByDestination: number;
  /** Recipients in one transaction. */
  readonly recipientsPerTransaction: number;
  /** How long a lane is leased, and how often the lease is renewed. */
  readonly laneLease: Ms;
  /** The longest the scheduler sleeps without looking. */
  readonly poll: Ms;
}
