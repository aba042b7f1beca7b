/**
 * Step 7, schedule: decides which due mail is attempted now, and how much at once. It owns lanes, reads what is due
 * in them, forms shipments, and gives each destination its turn. It never decides what an outcome means, and it marks
 * nothing in the spool: rows under way are remembered here alone, so that a crash leaves all of them due.
 * Before it: `relay/spool`. After it: `relay/delivery` carries, `relay/outcome` settles.
 *
 * How it reads: a ring says which lanes have something new, and the read goes on from the lane's cursor. A row that
 * was committed late may lie before the cursor, so while there is something the lane is also read from its start, at
 * once when little of it is in memory and every half second otherwise. Whatever a ring misses, the poll finds.
 */
import type { Cancel, Clock, Ms } from '../../base/clock.ts';
import type { EventSink } from '../../base/event.ts';
import { asFault, type Fault } from '../../base/fault.ts';
import { queueId } from '../../base/id.ts';
import type { Random } from '../../base/random.ts';
import type { Carrier, CarryResult } from '../message/shipment.ts';
import type { ContentStore, Due, SpoolSignal, SpoolStore } from '../spool/spool.ts';
import { probeAfter } from './backoff.ts';
import { Contents } from './contents.ts';
import { Destinations, type Destination } from './destinations.ts';
import { faulted, isSiteFailure, notTried } from './ends.ts';
import { Leases } from './leases.ts';
import { LaneReader } from './reader.ts';
import type { ScheduleSettings } from './settings.ts';
import type { Settler } from './settler.ts';
import { WaitingShipment } from './waiting-shipment.ts';

/** What the scheduler works with. `owner` names this worker among all that share the spool. */
export interface SchedulerDeps {
  readonly store: SpoolStore;
  readonly contents: ContentStore;
  readonly carrier: Carrier;
  /** Asked again whenever it counts, so that a reload takes effect. */
  readonly settings: () => ScheduleSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly settle: Settler;
  readonly owner: number;
}

/** What is in memory now; for the operator and for tests. */
export interface SchedulerLoad {
  /** Attempts under way. */
  readonly active: number;
  /** Rows read and not yet attempted. */
  readonly waiting: number;
  /** Rows attempted whose end is not yet durable. */
  readonly unsettled: number;
}

export interface Scheduler extends SpoolSignal {
  /** Claims lanes and begins. Rejects with the store's Fault when that fails. */
  start(): Promise<void>;
  /** Starts nothing more, waits up to `grace` for what is under way, aborts the rest, and gives up the lanes. Call once. */
  stop(grace: Ms): Promise<void>;
  /** Destinations that could not be reached may be tried now: an operator says so. Call it before their mail is made due. */
  retry(): void;
  /** Fulfilled when nothing is under way, waiting or known to be due now. */
  idle(): Promise<void>;
  load(): SchedulerLoad;
}

/** Rows whose end is not yet durable, before nothing more is started: the most that a crash could deliver twice. */
const MOST_UNSETTLED = 1024;
/** Octets of content fetched ahead of their turn. */
const AHEAD = 16 * 1024 * 1024;
/** Attempts end this long after they were told to, or are left behind. */
const ABORT_TIME: Ms = 5_000;
/** A destination that had no mail for this long may be reachable again for all we know. */
const FORGET_FAILURES: Ms = 3_600_000;

export function scheduler(deps: SchedulerDeps): Scheduler {
  return new LaneScheduler(deps);
}

class LaneScheduler implements Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #clock: Clock;
  readonly #leases: Leases;
  readonly #destinations = new Destinations();
  readonly #contents: Contents;
  readonly #reader: LaneReader;
  readonly #abort = new AbortController();
  /** Destinations whose rows reads leave out until a connection may be tried again. */
  readonly #paused = new Set<Destination>();
  /** Monotonic time at which the first of them may be tried again. */
  #resumeAt: Ms = Number.MAX_SAFE_INTEGER;
  #running = false;
  #stopped = false;
  #kicked = false;
  #active = 0;
  #unsettled = 0;
  #refreshing = false;
  #refreshAt: Ms = 0;
  #timer: { readonly at: Ms; readonly cancel: Cancel } | undefined;
  #idle: (() => void)[] = [];
  readonly #pumpBound: () => void = () => this.#pump();

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#leases = new Leases(deps.store, deps.clock, deps.owner);
    this.#contents = new Contents(deps.store);
    this.#reader = new LaneReader({
      store: deps.store,
      clock: deps.clock,
      leases: this.#leases,
      take: (row) => this.#take(row),
      done: (fault) => this.#readDone(fault),
    });
  }

  ring(lanes: ReadonlySet<number>): void {
    if (!this.#running) return;
    this.#reader.ring(lanes);
    this.#kick();
  }

  async start(): Promise<void> {
    const { laneLease } = this.#deps.settings();
    await this.#refresh(laneLease);
    if (this.#stopped) return;
    this.#running = true;
    this.#pump();
  }

  async stop(grace: Ms): Promise<void> {
    this.#running = false;
    this.#stopped = true;
    for (const dest of this.#destinations.all()) this.#dropWaiting(dest);
    if (await this.#quiet(grace))
      this.#deps.events.tell({
        kind: 'trouble',
        where: 'schedule',
        detail: `${this.#active} attempts did not end in ${grace} ms and are broken off; they are made again at the next start`,
      });
    this.#abort.abort(new Error('the relay is stopping'));
    if (await this.#quiet(ABORT_TIME))
      this.#deps.events.tell({
        kind: 'trouble',
        where: 'schedule',
        detail: `stopped with ${this.#active} attempts under way and ${this.#unsettled} ends not stored; they are made again at the next start`,
      });
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
    try {
      await this.#leases.release();
    } catch (thrown) {
      this.#trouble('releasing lanes', asFault(thrown));
    }
  }

  retry(): void {
    const now = this.#clock.monotonic();
    for (const dest of this.#destinations.all()) dest.pausedUntil = Math.min(dest.pausedUntil, now);
    if (this.#paused.size > 0) this.#resumeAt = now;
    if (this.#running) this.#kick();
  }

  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  load(): SchedulerLoad {
    return { active: this.#active, waiting: this.#destinations.waiting, unsettled: this.#unsettled };
  }

  // The one place where things happen

  #kick(): void {
    if (this.#kicked) return;
    this.#kicked = true;
    void Promise.resolve().then(this.#pumpBound);
  }

  #pump(): void {
    this.#kicked = false;
    const now = this.#clock.monotonic();
    const settings = this.#deps.settings();
    if (!this.#stopped || this.#busy()) this.#keepLanes(settings, now);
    if (this.#running) {
      this.#endPauses(now);
      this.#startAll(settings, now);
      this.#contents.flush();
      if (this.#unsettled < MOST_UNSETTLED) this.#reader.work(now, settings.poll, this.#destinations.room);
      this.#arm(Math.min(this.#reader.wakeAt(now), this.#keepAt(), this.#resumeAt), now);
    } else if (this.#busy()) {
      this.#arm(this.#keepAt(), now);
    }
    if (this.#idle.length > 0 && this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Sees to it that the pump runs at `at`, or before. */
  #arm(at: Ms, now: Ms): void {
    if (at === Number.MAX_SAFE_INTEGER || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(Math.max(0, at - now), () => {
      this.#timer = undefined;
      this.#kick();
    });
    this.#timer = { at, cancel };
  }

  #busy(): boolean {
    return this.#active > 0 || this.#unsettled > 0;
  }

  #isIdle(): boolean {
    return !this.#busy() && (!this.#running || (this.#destinations.waiting === 0 && this.#reader.isQuiet()));
  }

  /** Waits until nothing is under way; true when `span` ran out first. */
  async #quiet(span: Ms): Promise<boolean> {
    if (!this.#busy()) return false;
    let late = false;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(span, () => {
        late = true;
        resolve();
      });
      this.#idle.push(() => {
        cancel();
        resolve();
      });
    });
    return late;
  }

  // Lanes

  #keepLanes(settings: ScheduleSettings, now: Ms): void {
    if (this.#refreshing || now < this.#refreshAt) return;
    this.#refreshing = true;
    this.#refresh(settings.laneLease)
      .catch((thrown: unknown) => {
        this.#refreshAt = this.#clock.monotonic() + Math.min(1_000, settings.laneLease / 6);
        this.#trouble('renewing lanes', asFault(thrown));
      })
      .finally(() => {
        this.#refreshing = false;
        this.#kick();
      });
  }

  /** When leases need care again; a renewal under way calls the pump itself. */
  #keepAt(): Ms {
    return this.#refreshing ? Number.MAX_SAFE_INTEGER : this.#refreshAt;
  }

  async #refresh(span: Ms): Promise<void> {
    this.#refreshAt = this.#clock.monotonic() + Math.floor(span / 3);
    const { gained, lost } = await this.#leases.refresh(span);
    for (const lane of gained) this.#reader.readFromStart(lane);
    if (lost.length > 0)
      this.#deps.events.tell({
        kind: 'trouble',
        where: 'schedule',
        detail: `lanes ${lost.join(', ')} went to another worker`,
      });
    const changed = new Set([...lost, ...gained.map(({ lane }) => lane)]);
    const { concurrencyByDestination } = this.#deps.settings();
    const now = this.#clock.monotonic();
    for (const dest of this.#destinations.all()) {
      if (changed.has(dest.lane)) this.#dropWaiting(dest);
      else this.#destinations.enter(dest, concurrencyByDestination);
      if (dest.failures > 0 && dest.waiting === 0 && now > dest.pausedUntil + FORGET_FAILURES) {
        dest.failures = 0;
        this.#destinations.tidy(dest);
      }
    }
  }

  // Rows in

  /** Takes one due row that was read; false when its destination has its share and the lane is to be read on without it. */
  #take(row: Due): boolean {
    const dest = this.#destinations.of(row.dest, row.lane);
    if (this.#clock.monotonic() < dest.pausedUntil) {
      if (dest.failures > 1 && dest.lastFailure !== undefined) {
        this.#reader.hold(row);
        this.#putOff([row], dest.lastFailure);
        return true;
      }
      return false;
    }
    if (!this.#destinations.offer(dest, row)) return false;
    this.#reader.hold(row);
    const { concurrencyByDestination } = this.#deps.settings();
    this.#destinations.enter(dest, concurrencyByDestination);
    if (dest.groups.size <= concurrencyByDestination) this.#lookAhead(dest, concurrencyByDestination);
    return true;
  }

  #readDone(fault: Fault | undefined): void {
    if (fault !== undefined) this.#trouble('reading what is due', fault);
    this.#kick();
  }

  /** Asks for the contents of the next shipments of a destination. */
  #lookAhead(dest: Destination, window: number): void {
    if (dest.prefetched >= window || dest.prefetched >= dest.groups.size) return;
    let seen = 0;
    for (const group of dest.groups.values()) {
      if (++seen > window || this.#contents.octets > AHEAD) return;
      const first = group.rows[0] as Due;
      if (group.wanted || first.contentRef !== undefined) continue;
      this.#contents.want(group.entry, first.size);
      group.wanted = true;
      dest.prefetched++;
    }
  }

  /** Forgets waiting rows of a destination: they stay due in the store. */
  #dropWaiting(dest: Destination): void {
    for (const group of this.#destinations.empty(dest)) {
      if (group.wanted) this.#contents.release(group.entry);
      for (const row of group.rows) this.#reader.letGo(row);
    }
    dest.fullAt = 0;
  }

  // Attempts

  #startAll(settings: ScheduleSettings, now: Ms): void {
    while (this.#active < settings.concurrency && this.#unsettled < MOST_UNSETTLED && !this.#deps.settle.failing) {
      const dest = this.#destinations.nextInRound();
      if (dest === undefined) return;
      // A destination whose lane is not ours to use comes back into the round with the lease.
      if (!this.#leases.mayStart(dest.lane, settings.laneLease, now)) continue;
      this.#startOne(dest, settings);
      this.#destinations.enter(dest, settings.concurrencyByDestination);
      this.#destinations.tidy(dest);
    }
  }

  #startOne(dest: Destination, settings: ScheduleSettings): void {
    const lane = this.#leases.get(dest.lane);
    const taken = this.#destinations.take(dest, Math.max(1, settings.recipientsPerTransaction));
    if (taken === undefined || lane === undefined) return;
    const { rows } = taken;
    const first = rows[0] as Due;
    if (!taken.wanted && first.contentRef === undefined) this.#contents.want(first.entry, first.size);
    if (dest.prefetched <= settings.concurrencyByDestination >> 1)
      this.#lookAhead(dest, settings.concurrencyByDestination);
    if (dest.fullAt > 0 && dest.waiting <= dest.fullAt >> 1) {
      dest.fullAt = 0;
      this.#reader.goBack(lane, dest.name, dest.resume);
    }
    dest.active++;
    this.#active++;
    void this.#attempt(dest, rows, lane.epoch);
  }

  async #attempt(dest: Destination, rows: readonly Due[], epoch: number): Promise<void> {
    const began = this.#clock.monotonic();
    const first = rows[0] as Due;
    let result: CarryResult;
    try {
      result = await this.#deps.carrier.carry(
        new WaitingShipment(rows, this.#contents, this.#deps.contents),
        this.#abort.signal,
      );
    } catch (thrown) {
      const fault = asFault(thrown);
      this.#trouble(`attempt of ${queueId(first.entry)} to ${dest.name}`, fault);
      result = faulted(rows, fault);
    }
    if (first.contentRef === undefined) this.#contents.release(first.entry);
    dest.active--;
    this.#active--;
    if (this.#running) this.#judge(dest, result, began);
    await this.#settle(rows, epoch, result);
    this.#destinations.tidy(dest);
  }

  async #settle(rows: readonly Due[], epoch: number, result: CarryResult): Promise<void> {
    let ended = rows;
    let end = result;
    if (this.#abort.signal.aborted) {
      // An attempt that we broke off ourselves did not happen: the row stays due as it was.
      const recipients = result.recipients.filter(({ outcome }) => outcome.kind !== 'deferred');
      const final = new Set(recipients.map(({ id }) => id));
      ended = rows.filter((row) => final.has(row.id));
      end = { ...result, recipients };
    }
    this.#unsettled += rows.length;
    this.#kick();
    let due: Ms | undefined;
    try {
      if (ended.length > 0) due = await this.#deps.settle.settle(ended, epoch, end);
    } catch (thrown) {
      this.#trouble(`settling ${queueId((rows[0] as Due).entry)}`, asFault(thrown));
    }
    this.#unsettled -= rows.length;
    for (const row of rows) this.#reader.letGo(row);
    if (due !== undefined) this.#reader.dueLater((rows[0] as Due).lane, due);
    this.#kick();
  }

  // Destinations that cannot be reached

  /** Learns from an attempt whether the destination can be reached. Attempts that began before a pause do not lengthen it. */
  #judge(dest: Destination, result: CarryResult, began: Ms): void {
    const settings = this.#deps.settings();
    if (!isSiteFailure(result)) {
      if (dest.failures > 0) this.#reachable(dest);
    } else if (dest.failures === 0 || began >= dest.pausedUntil) {
      dest.failures++;
      dest.lastFailure = result;
      dest.pausedUntil = this.#clock.monotonic() + probeAfter(dest.failures, settings, this.#deps.random);
      this.#pause(dest, result);
    }
    this.#destinations.enter(dest, settings.concurrencyByDestination);
  }

  /**
   * After the first failure its mail is left alone until a probe. When that fails too, what is due is put off like
   * the mail that was tried, so that each recipient's own time goes on: next attempt, delay notice, expiry.
   */
  #pause(dest: Destination, result: CarryResult): void {
    const lane = this.#leases.get(dest.lane);
    if (dest.failures === 1 && lane !== undefined && this.#reader.skip(lane, dest.name)) {
      this.#paused.add(dest);
      this.#resumeAt = Math.min(this.#resumeAt, dest.pausedUntil);
      this.#dropWaiting(dest);
      return;
    }
    dest.failures = Math.max(2, dest.failures);
    if (lane !== undefined && dest.fullAt > 0) this.#reader.goBack(lane, dest.name, dest.resume);
    dest.fullAt = 0;
    for (const group of this.#destinations.empty(dest)) {
      if (group.wanted) this.#contents.release(group.entry);
      this.#putOff(group.rows, result);
    }
  }

  #reachable(dest: Destination): void {
    dest.failures = 0;
    dest.pausedUntil = 0;
    dest.lastFailure = undefined;
    this.#resume(dest);
  }

  #resume(dest: Destination): void {
    if (!this.#paused.delete(dest)) return;
    const lane = this.#leases.get(dest.lane);
    if (lane !== undefined) this.#reader.goBack(lane, dest.name, [0, 0]);
  }

  #endPauses(now: Ms): void {
    if (now < this.#resumeAt) return;
    this.#resumeAt = Number.MAX_SAFE_INTEGER;
    for (const dest of this.#paused) {
      if (now >= dest.pausedUntil) this.#resume(dest);
      else this.#resumeAt = Math.min(this.#resumeAt, dest.pausedUntil);
    }
  }

  /** Ends rows of one entry without an attempt, as the last one to their destination ended. */
  #putOff(rows: readonly Due[], failure: CarryResult): void {
    const lane = this.#leases.get((rows[0] as Due).lane);
    if (lane !== undefined) void this.#settle(rows, lane.epoch, notTried(rows, failure));
    else for (const row of rows) this.#reader.letGo(row);
  }

  #trouble(what: string, fault: Fault): void {
    this.#deps.events.tell({ kind: 'trouble', where: 'schedule', detail: `${what}: ${fault.message}` });
  }
}
