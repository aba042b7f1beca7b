import type { Clock, Ms } from '../../base/clock.ts';
import { asFault, type Fault } from '../../base/fault.ts';
import type { Id } from '../../base/id.ts';
import type { Cursor, Due, SpoolStore } from '../spool/spool.ts';
import type { Leases, OwnedLane } from './leases.ts';

/** Rows asked for in one call, over all its lanes, and lanes in one call. */
const ROWS = 256;
const LANES_AT_ONCE = 32;
/** With less room than this nothing is read. */
const LEAST_ROOM = 128;
/** A lane with no more rows in memory than this is read from its start each time: that costs no more than these rows. */
const FEW = 16;
/** Else it is read from its start this often while a late row is possible. */
const START_INTERVAL: Ms = 500;
/**
 * A read that leaves destinations out steps over all their rows, however many. Such reads come at most this often, and
 * take at most one part in LOOK_SHARE of the time: a long queue must not make each message dearer.
 */
const LOOK_INTERVAL: Ms = 100;
const LOOK_SHARE = 20;
/** A lane that was read to its end is read again from this long before: rows are committed a little after the time they carry. */
const SLACK: Ms = 1_000;
/** Destinations left out of a lane; more of them would make the query slow. */
const MOST_SKIPPED = 64;
/** After a failed read. */
const RETRY: Ms = 1_000;

export interface LaneReaderDeps {
  readonly store: Pick<SpoolStore, 'due' | 'nextDue'>;
  readonly clock: Clock;
  readonly leases: Leases;
  /** Is given each row that is not known yet. It calls `hold` for what it keeps; false: leave its destination out from now on. */
  readonly take: (row: Due) => boolean;
  /** A read is over. */
  readonly done: (fault: Fault | undefined) => void;
}

/** Reads what is due in the owned lanes, one call at a time, and knows which rows are in memory. */
export class LaneReader {
  readonly #deps: LaneReaderDeps;
  readonly #clock: Clock;
  readonly #leases: Leases;
  /** Ids of rows in memory. */
  readonly #known = new Set<Id>();
  /** Rows that were let go while a read was under way: it may still bring them as they were. */
  readonly #letGo = new Set<Id>();
  readonly #wanted = new Set<OwnedLane>();
  readonly #unsure = new Set<OwnedLane>();
  #reading = false;
  #pollAt: Ms = 0;
  #lookAt: Ms = 0;
  #notBefore: Ms = 0;
  /** Monotonic time of the earliest row not yet due, as far as known. */
  #dueAt: Ms = Number.MAX_SAFE_INTEGER;
  #askNextDue = true;

  constructor(deps: LaneReaderDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#leases = deps.leases;
  }

  ring(lanes: ReadonlySet<number>): void {
    for (const number of lanes) {
      const lane = this.#leases.get(number);
      if (lane === undefined) continue;
      lane.rung = true;
      this.#wanted.add(lane);
    }
  }

  readFromStart(lane: OwnedLane): void {
    lane.fromStart = true;
    this.#wanted.add(lane);
  }

  /** Leaves a destination out of reads; false when the lane leaves out too many already. */
  skip(lane: OwnedLane, dest: string): boolean {
    if (lane.skip.size >= MOST_SKIPPED && !lane.skip.has(dest)) return false;
    lane.skip.add(dest);
    return true;
  }

  /** Takes a destination in again and reads from where its rows were left. */
  goBack(lane: OwnedLane, dest: string, resume: Cursor): void {
    lane.skip.delete(dest);
    if (before(resume, lane.cursor)) lane.cursor = resume;
    lane.urgent = true;
    this.#wanted.add(lane);
  }

  /** A row is in memory now. */
  hold(row: Due): void {
    this.#known.add(row.id);
    const lane = this.#leases.get(row.lane);
    if (lane !== undefined) lane.known++;
  }

  /** A row is in memory no more; what the store says of it counts again. */
  letGo(row: Due): void {
    if (!this.#known.delete(row.id)) return;
    const lane = this.#leases.get(row.lane);
    if (lane !== undefined) lane.known--;
    if (this.#reading) this.#letGo.add(row.id);
  }

  /** A row was put off until `due` (wall clock). */
  dueLater(number: number, due: Ms): void {
    const lane = this.#leases.get(number);
    if (lane === undefined) return;
    lane.dueAt = Math.min(lane.dueAt, due);
    this.#dueAt = Math.min(this.#dueAt, this.#clock.monotonic() + Math.max(0, due - this.#clock.now()));
  }

  /** No read is under way and none is called for now. */
  isQuiet(): boolean {
    return !this.#reading && this.#wanted.size === 0 && this.#unsure.size === 0;
  }

  /**
   * Monotonic time at which `work` may have something to do if nothing happens before. What is due already waits for
   * room or for a read to end, and both call `work` themselves.
   */
  wakeAt(now: Ms): Ms {
    let at = Number.MAX_SAFE_INTEGER;
    if (this.#reading) return at;
    if (now < this.#notBefore) return this.#notBefore;
    if (this.#pollAt > now) at = this.#pollAt;
    if (this.#dueAt > now && this.#dueAt < at) at = this.#dueAt;
    for (const lane of this.#unsure)
      if (lane.startNotBefore > now && lane.startNotBefore < at) at = lane.startNotBefore;
    if (this.#wanted.size > 0 && this.#lookAt > now && this.#lookAt < at) at = this.#lookAt;
    return at;
  }

  /** Begins a read when one is called for. */
  work(now: Ms, poll: Ms, room: number): void {
    if (this.#reading || now < this.#notBefore) return;
    if (now >= this.#pollAt) {
      this.#pollAt = now + poll;
      this.#askNextDue = true;
      for (const lane of this.#leases.all()) this.readFromStart(lane);
    }
    if (now >= this.#dueAt) this.#wakeLanes();
    for (const lane of this.#unsure) if (this.#mayBeginAnew(lane, now)) this.#wanted.add(lane);
    if (room >= LEAST_ROOM && this.#wanted.size > 0) {
      let lanes = this.#pick(now, false);
      const isLook = lanes.length === 0 && now >= this.#lookAt;
      if (isLook) lanes = this.#pick(now, true);
      if (lanes.length > 0) {
        void this.#read(lanes, Math.max(8, Math.floor(ROWS / lanes.length)), isLook);
        return;
      }
    }
    if (this.#askNextDue && this.#wanted.size === 0) void this.#lookForward();
  }

  #wakeLanes(): void {
    const wall = this.#clock.now();
    this.#dueAt = Number.MAX_SAFE_INTEGER;
    for (const lane of this.#leases.all()) {
      if (lane.dueAt <= wall) {
        lane.dueAt = Number.MAX_SAFE_INTEGER;
        this.#wanted.add(lane);
      } else if (lane.dueAt < Number.MAX_SAFE_INTEGER) {
        this.#dueAt = Math.min(this.#dueAt, this.#clock.monotonic() + lane.dueAt - wall);
      }
    }
  }

  #mayBeginAnew(lane: OwnedLane, now: Ms): boolean {
    return now >= lane.startNotBefore || (lane.skip.size === 0 && lane.known <= FEW);
  }

  /** The lanes to read now, their cursors set: those to read at once, or those where destinations are left out. */
  #pick(now: Ms, isLook: boolean): OwnedLane[] {
    const lanes: OwnedLane[] = [];
    for (const lane of this.#wanted) {
      if (lanes.length === LANES_AT_ONCE) break;
      if (this.#leases.get(lane.lane) !== lane) {
        this.#wanted.delete(lane);
        this.#unsure.delete(lane);
        continue;
      }
      if ((lane.skip.size > 0 && !lane.urgent) !== isLook) continue;
      this.#wanted.delete(lane);
      const few = lane.skip.size === 0 && lane.known <= FEW;
      // A read that goes on is not begun anew: with more known rows than the limit it would never get past them.
      if (
        !lane.isOpen &&
        !lane.urgent &&
        (few || ((lane.fromStart || this.#unsure.has(lane)) && now >= lane.startNotBefore))
      ) {
        lane.cursor = [0, 0];
        lane.fromStart = false;
        lane.startNotBefore = now + START_INTERVAL;
        this.#unsure.delete(lane);
      } else if (lane.rung || lane.fromStart) {
        this.#unsure.add(lane);
      }
      lane.rung = false;
      lane.urgent = false;
      lanes.push(lane);
    }
    return lanes;
  }

  async #read(lanes: readonly OwnedLane[], limit: number, isLook: boolean): Promise<void> {
    this.#reading = true;
    const began = this.#clock.monotonic();
    const wall = this.#clock.now();
    const skip = new Set<string>();
    for (const lane of lanes) for (const dest of lane.skip) skip.add(dest);
    let fault: Fault | undefined;
    try {
      const rows = await this.#deps.store.due(
        lanes.map(({ lane, cursor }) => ({ lane, after: cursor })),
        wall,
        limit,
        [...skip],
      );
      this.#arrived(lanes, rows, limit, wall);
    } catch (thrown) {
      fault = asFault(thrown);
      this.#notBefore = this.#clock.monotonic() + RETRY;
      for (const lane of lanes) {
        lane.isOpen = false;
        this.readFromStart(lane);
      }
    }
    if (isLook) {
      const now = this.#clock.monotonic();
      this.#lookAt = now + Math.max(LOOK_INTERVAL, (now - began) * LOOK_SHARE);
    }
    this.#reading = false;
    this.#letGo.clear();
    this.#deps.done(fault);
  }

  #arrived(lanes: readonly OwnedLane[], rows: readonly Due[], limit: number, wall: Ms): void {
    for (const lane of lanes) lane.readRows = 0;
    for (const row of rows) {
      const lane = this.#leases.get(row.lane);
      if (lane === undefined) continue;
      lane.readRows++;
      lane.cursor = [row.due, row.id];
      if (this.#known.has(row.id) || this.#letGo.has(row.id) || lane.skip.has(row.dest)) continue;
      if (!this.#deps.take(row)) this.skip(lane, row.dest);
    }
    for (const lane of lanes) {
      lane.isOpen = lane.readRows >= limit;
      if (lane.isOpen) {
        this.#wanted.add(lane);
        continue;
      }
      const end: Cursor = [wall - SLACK, 0];
      if (before(lane.cursor, end)) lane.cursor = end;
    }
  }

  /** Learns when the next row of all lanes comes due. Rows due already are in memory, left out, or found by the poll. */
  async #lookForward(): Promise<void> {
    this.#reading = true;
    this.#askNextDue = false;
    let fault: Fault | undefined;
    try {
      const wall = this.#clock.now();
      const due = await this.#deps.store.nextDue(this.#leases.numbers());
      if (due !== undefined && due > wall) {
        for (const lane of this.#leases.all()) lane.dueAt = Math.min(lane.dueAt, due);
        this.#dueAt = Math.min(this.#dueAt, this.#clock.monotonic() + Math.max(0, due - this.#clock.now()));
      }
    } catch (thrown) {
      fault = asFault(thrown);
      this.#askNextDue = true;
      this.#notBefore = this.#clock.monotonic() + RETRY;
    }
    this.#reading = false;
    this.#letGo.clear();
    this.#deps.done(fault);
  }
}

function before(a: Cursor, b: Cursor): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
