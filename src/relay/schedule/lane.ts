import { LANES } from '../spool/spool.ts';

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * The lane of a route key (`dest`: the recipient domain, or the smarthost it is routed to, in lower case).
 *
 * FNV-1a over the low bytes of its characters (then the high byte, where there is one), folded to 16 bits and taken
 * mod LANES. Rows in spools already carry lanes: this must never change, or two workers could send to one
 * destination at once.
 */
export function laneOf(dest: string): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < dest.length; i++) {
    const unit = dest.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), PRIME);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), PRIME);
  }
  return ((hash >>> 16) ^ (hash & 0xffff)) % LANES;
}
