import type { Clock, Ms } from '../../base/clock.ts';
import { LANES, type Cursor, type Lane, type SpoolStore } from '../spool/spool.ts';

/** A lane this worker owns, and how far it was read. */
export interface OwnedLane {
  readonly lane: number;
  epoch: number;
  /** Monotonic time at which the lease ends. */
  until: Ms;
  /** Rows after this were not yet seen. */
  cursor: Cursor;
  /** The next read begins at the start. */
  fromStart: boolean;
  /** It has something new. */
  rung: boolean;
  /** Rows of a destination that was left out follow the cursor: read on without delay. */
  urgent: boolean;
  /** The last read did not come to the end. */
  isOpen: boolean;
  /** Monotonic time before which no read from the start is to begin. */
  startNotBefore: Ms;
  /** Rows that the last read brought. */
  readRows: number;
  /** Wall-clock time of the earliest row that was put off here. */
  dueAt: Ms;
  /** Rows held in memory, under way or waiting. */
  known: number;
  /** Destinations that reads leave out: full, or not to be disturbed. */
  readonly skip: Set<string>;
}

/** A lease with less than this left starts nothing. */
const MARGIN: Ms = 5_000;

/**
 * The lanes this worker owns. Leases are measured by monotonic time from before the call that got them, so a slow
 * store or a wall clock that steps makes them end early and never late.
 */
export class Leases {
  readonly #store: Pick<SpoolStore, 'claimLanes' | 'renewLanes' | 'releaseLanes'>;
  readonly #clock: Clock;
  readonly #owner: number;
  readonly #owned = new Map<number, OwnedLane>();
  #released = false;

  constructor(store: Pick<SpoolStore, 'claimLanes' | 'renewLanes' | 'releaseLanes'>, clock: Clock, owner: number) {
    this.#store = store;
    this.#clock = clock;
    this.#owner = owner;
  }

  get(lane: number): OwnedLane | undefined {
    return this.#owned.get(lane);
  }

  all(): Iterable<OwnedLane> {
    return this.#owned.values();
  }

  numbers(): number[] {
    return [...this.#owned.keys()];
  }

  /** Whether an attempt may begin in this lane now. */
  mayStart(lane: number, span: Ms, monotonic: Ms): boolean {
    const owned = this.#owned.get(lane);
    return owned !== undefined && owned.until - monotonic >= Math.min(MARGIN, span / 3);
  }

  /**
   * Renews what is owned and claims what is free. `gained` are new here or came back under another epoch (what was read
   * under the old one may be stale), `lost` are gone. A worker that starts again under its number finds the lanes of its former life by the renewal.
   */
  async refresh(span: Ms): Promise<{ readonly gained: OwnedLane[]; readonly lost: number[] }> {
    const renewedFrom = this.#clock.monotonic();
    const renewed = await this.#store.renewLanes(this.#owner, this.#clock.now(), span);
    const gained: OwnedLane[] = [];
    if (this.#released) return { gained, lost: [] };
    const still = new Set<number>();
    for (const lane of renewed) {
      still.add(lane.lane);
      this.#take(lane, renewedFrom + span, gained);
    }
    const lost = this.numbers().filter((lane) => !still.has(lane));
    for (const lane of lost) this.#owned.delete(lane);
    if (this.#owned.size < LANES) {
      const claimedFrom = this.#clock.monotonic();
      const claimed = await this.#store.claimLanes(this.#owner, LANES - this.#owned.size, this.#clock.now(), span);
      for (const lane of claimed) this.#take(lane, claimedFrom + span, gained);
    }
    return { gained, lost };
  }

  /** Gives up all lanes, for good. */
  async release(): Promise<void> {
    const lanes = this.numbers();
    this.#released = true;
    this.#owned.clear();
    if (lanes.length > 0) await this.#store.releaseLanes(this.#owner, lanes);
  }

  #take(lane: Lane, until: Ms, gained: OwnedLane[]): void {
    const owned = this.#owned.get(lane.lane);
    if (owned !== undefined) {
      owned.until = until;
      if (owned.epoch === lane.epoch) return;
      owned.epoch = lane.epoch;
      gained.push(owned);
      return;
    }
    const fresh: OwnedLane = {
      lane: lane.lane,
      epoch: lane.epoch,
      until,
      cursor: [0, 0],
      fromStart: true,
      rung: false,
      urgent: false,
      isOpen: false,
      startNotBefore: 0,
      readRows: 0,
      dueAt: Number.MAX_SAFE_INTEGER,
      known: 0,
      skip: new Set(),
    };
    this.#owned.set(lane.lane, fresh);
    gained.push(fresh);
  }
}
