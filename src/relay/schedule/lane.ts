import { fnv1a } from '../../base/hash.ts';
import { LANES } from '../spool/spool.ts';

/**
 * The lane of a route key (`dest`: the recipient domain, or the smarthost it is routed to, in lower case): its hash
 * folded to 16 bits, mod LANES. Rows in spools already carry lanes: this must never change, or two workers could send
 * to one destination at once.
 */
export function laneOf(dest: string): number {
  const hash = fnv1a(dest);
  return ((hash >>> 16) ^ (hash & 0xffff)) % LANES;
}
