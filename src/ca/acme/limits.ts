/** How much one client may ask for: buckets that fill again, by account, by address, and one for all. */
import type { Clock, Ms } from '../../base/clock.ts';
import { AcmeProblem, problem } from '../../protocol/acme/problem.ts';

export interface Rate {
  /** At once, after a rest. */
  readonly burst: number;
  /** One more after this time. */
  readonly each: Ms;
}

interface Bucket {
  level: number;
  at: Ms;
}

/** Keys that are remembered: a full bucket need not be, and the one used longest ago goes first. */
const KEYS = 10_000;

/** Takes one of the bucket of `key`; throws rateLimited with Retry-After (RFC 8555 §6.6) when it is empty. `what` names what there were too many of. */
export type Take = (key: string, what: string) => void;

export function limiter(clock: Clock, { burst, each }: Rate): Take {
  const buckets = new Map<string, Bucket>();
  return (key, what) => {
    const now = clock.monotonic();
    const known = buckets.get(key);
    const level = known === undefined ? burst : Math.min(burst, known.level + (now - known.at) / each);
    buckets.delete(key);
    buckets.set(key, { level: level >= 1 ? level - 1 : level, at: now });
    if (buckets.size > KEYS) buckets.delete(buckets.keys().next().value ?? key);
    if (level >= 1) return;
    const wait = Math.max(1, Math.ceil(((1 - level) * each) / 1_000));
    throw new AcmeProblem(problem('rateLimited', `too many ${what}; try again in ${wait} s`), {
      'retry-after': String(wait),
    });
  };
}
