import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { CarryResult } from '../message/shipment.ts';
import type { Cursor, Due } from '../spool/spool.ts';

/** Due rows held in memory, over all destinations. */
const ROOM = 4096;
/** A destination may hold this share of the room still free: one alone gets a ninth of all, many get less each, and some room is always left. */
const SHARE = 1 / 8;

/** Waiting rows of one entry for one destination. */
export interface Group {
  readonly entry: Id;
  rows: Due[];
  /** Its content was asked for ahead of its turn. */
  wanted: boolean;
}

/** What is known of one destination while it has mail here, or is not to be disturbed. */
export interface Destination {
  readonly name: string;
  readonly lane: number;
  /** In the order they came due. */
  readonly groups: Map<Id, Group>;
  /** Rows in `groups`. */
  waiting: number;
  /** Attempts under way. */
  active: number;
  /** Groups at the head whose content was asked for. */
  prefetched: number;
  /** It stands in the round of those that can start something. */
  inRound: boolean;
  /** Rows held when it had its share; 0: not full. More rows lie in the store after `resume`. */
  fullAt: number;
  resume: Cursor;
  /** Failed connections in a row. */
  failures: number;
  /** Monotonic time before which no connection is tried. */
  pausedUntil: Ms;
  /** How the last connection failed. */
  lastFailure: CarryResult | undefined;
}

/**
 * Rows waiting in memory, by destination, and whose turn it is: round robin over destinations, so that one with much
 * mail does not keep the others waiting. Decides nothing about time.
 */
export class Destinations {
  readonly #byName = new Map<string, Destination>();
  #round: Destination[] = [];
  #waiting = 0;

  /** Rows waiting. */
  get waiting(): number {
    return this.#waiting;
  }

  get room(): number {
    return ROOM - this.#waiting;
  }

  all(): Iterable<Destination> {
    return this.#byName.values();
  }

  of(name: string, lane: number): Destination {
    let dest = this.#byName.get(name);
    if (dest === undefined) {
      dest = {
        name,
        lane,
        groups: new Map(),
        waiting: 0,
        active: 0,
        prefetched: 0,
        inRound: false,
        fullAt: 0,
        resume: [0, 0],
        failures: 0,
        pausedUntil: 0,
        lastFailure: undefined,
      };
      this.#byName.set(name, dest);
    }
    return dest;
  }

  /** Forgets a destination about which nothing is worth remembering. */
  tidy(dest: Destination): void {
    if (dest.waiting === 0 && dest.active === 0 && dest.failures === 0 && dest.fullAt === 0 && !dest.inRound)
      this.#byName.delete(dest.name);
  }

  /** Takes a row in, or marks the destination full when it holds its share. */
  offer(dest: Destination, row: Due): boolean {
    if (dest.fullAt > 0) return false;
    if (dest.waiting >= Math.max(1, this.room * SHARE)) {
      dest.fullAt = dest.waiting;
      dest.resume = [row.due, row.id - 1];
      return false;
    }
    const group = dest.groups.get(row.entry);
    if (group === undefined) dest.groups.set(row.entry, { entry: row.entry, rows: [row], wanted: false });
    else group.rows.push(row);
    dest.waiting++;
    this.#waiting++;
    return true;
  }

  /** Puts it into the round when it can start something. */
  enter(dest: Destination, limit: number): void {
    if (dest.inRound || dest.waiting === 0 || dest.active >= (dest.failures > 0 ? 1 : limit)) return;
    dest.inRound = true;
    this.#round.push(dest);
  }

  /** Whose turn it is; leaves the round until it is entered again. */
  nextInRound(): Destination | undefined {
    const dest = this.#round.shift();
    if (dest !== undefined) dest.inRound = false;
    return dest;
  }

  /** Up to `most` rows of the entry that waited longest. `wanted` tells whether its content was asked for already. */
  take(dest: Destination, most: number): { readonly rows: Due[]; readonly wanted: boolean } | undefined {
    for (const group of dest.groups.values()) {
      const wanted = group.wanted;
      if (wanted) dest.prefetched--;
      let rows = group.rows;
      if (rows.length <= most) {
        dest.groups.delete(group.entry);
      } else {
        group.rows = rows.slice(most);
        group.wanted = false;
        rows = rows.slice(0, most);
      }
      dest.waiting -= rows.length;
      this.#waiting -= rows.length;
      return { rows, wanted };
    }
    return undefined;
  }

  /** Takes out all waiting rows of a destination. */
  empty(dest: Destination): Group[] {
    const groups = [...dest.groups.values()];
    dest.groups.clear();
    this.#waiting -= dest.waiting;
    dest.waiting = 0;
    dest.prefetched = 0;
    return groups;
  }
}
