import type { Bytes } from '../../base/bytes.ts';
import type { Clock, Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import type { Id } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import { acceptedDetail, type HistoryKind } from '../../relay/spool/history.ts';
import {
  HELD,
  LANES,
  type Cursor,
  type Due,
  type EntryFilter,
  type EntrySummary,
  type HistoryLine,
  type Lane,
  type NewDelivery,
  type NewEntry,
  type Settlement,
  type SpoolCounts,
  type SpoolSignal,
  type SpoolStore,
} from '../../relay/spool/spool.ts';

/** What a spool in memory is made with; all of it may be left out. */
export interface MemorySpoolOptions {
  /** Time of settlements in the history. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Rung after each call that gave lanes something new. */
  readonly signal?: SpoolSignal;
}

/** The spool's contract without a disk: for tests and simulations, and the reference for the other engines. */
export function memorySpool(options: MemorySpoolOptions = {}): SpoolStore {
  return new MemorySpool(options);
}

/** One delivery that is not final. */
interface Row {
  readonly of: Kept;
  readonly delivery: NewDelivery;
  due: Ms;
  attempts: number;
  delayNotified: Ms;
  lastDetail: string;
}

/** One entry with its open deliveries. */
interface Kept {
  readonly entry: NewEntry;
  readonly rows: Map<Id, Row>;
}

interface LaneState {
  owner: number | undefined;
  epoch: number;
  until: Ms;
}

class MemorySpool implements SpoolStore {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #signal: SpoolSignal | undefined;
  readonly #entries = new Map<Id, Kept>();
  readonly #rows: Map<Id, Row>[] = Array.from({ length: LANES }, () => new Map());
  readonly #lanes: LaneState[] = Array.from({ length: LANES }, () => ({ owner: undefined, epoch: 0, until: 0 }));
  #history: HistoryLine[] = [];
  #closed = false;

  constructor(options: MemorySpoolOptions) {
    this.#clock = options.clock ?? { now: Date.now };
    this.#signal = options.signal;
  }

  async accept(batch: readonly NewEntry[]): Promise<number> {
    this.#check(batch);
    const rung = new Set<number>();
    const count = this.#accept(batch, rung);
    this.#ring(rung);
    return count;
  }

  async claimLanes(owner: number, want: number, now: Ms, span: Ms): Promise<Lane[]> {
    this.#check();
    const claimed: Lane[] = [];
    for (const [lane, state] of this.#lanes.entries()) {
      if (claimed.length >= want) break;
      if (state.owner !== undefined && state.until > now) continue;
      state.owner = owner;
      state.epoch += 1;
      state.until = now + span;
      claimed.push({ lane, epoch: state.epoch, until: state.until });
    }
    return claimed;
  }

  async renewLanes(owner: number, now: Ms, span: Ms): Promise<Lane[]> {
    this.#check();
    const renewed: Lane[] = [];
    for (const [lane, state] of this.#lanes.entries()) {
      if (state.owner !== owner) continue;
      state.until = now + span;
      renewed.push({ lane, epoch: state.epoch, until: state.until });
    }
    return renewed;
  }

  async releaseLanes(owner: number, lanes: readonly number[]): Promise<void> {
    this.#check();
    for (const lane of lanes) {
      const state = this.#lanes[lane];
      if (state?.owner !== owner) continue;
      state.owner = undefined;
      state.until = 0;
    }
  }

  async due(
    lanes: readonly { readonly lane: number; readonly after: Cursor }[],
    now: Ms,
    limit: number,
    skip: readonly string[],
  ): Promise<Due[]> {
    this.#check();
    const skipped = new Set(skip);
    return lanes.flatMap(({ lane, after: [due, id] }) =>
      [...(this.#rows[lane]?.values() ?? [])]
        .filter(
          (row) =>
            row.due <= now &&
            (row.due > due || (row.due === due && row.delivery.id > id)) &&
            !skipped.has(row.delivery.dest),
        )
        .sort((a, b) => a.due - b.due || a.delivery.id - b.delivery.id)
        .slice(0, limit)
        .map(asDue),
    );
  }

  async nextDue(lanes: readonly number[]): Promise<Ms | undefined> {
    this.#check();
    let next: Ms = HELD;
    for (const lane of lanes) for (const row of this.#rows[lane]?.values() ?? []) next = Math.min(next, row.due);
    return next === HELD ? undefined : next;
  }

  async contents(entries: readonly Id[]): Promise<(Bytes | undefined)[]> {
    this.#check();
    return entries.map((id) => {
      const content = this.#entries.get(id)?.entry.content;
      return content?.kind === 'inline' ? content.bytes.slice() : undefined; // a copy: the caller may transfer it
    });
  }

  async settle(batch: readonly Settlement[], notices: readonly NewEntry[]): Promise<string[]> {
    this.#check(notices);
    const now = this.#clock.now();
    const refs: string[] = [];
    const rung = new Set<number>();
    let counted = 0;
    for (const settlement of batch) {
      const row = this.#entries.get(settlement.entry)?.rows.get(settlement.id);
      const { result, detail } = settlement;
      if (row === undefined) continue;
      if (result.kind !== 'delivered' && this.#lanes[row.delivery.lane]?.epoch !== settlement.epoch) continue;
      counted += 1;
      this.#tell(now, row, result.kind, detail);
      if (result.kind === 'deferred') {
        if (row.due !== HELD) row.due = result.due;
        row.attempts += 1;
        row.delayNotified = result.delayNotified;
        row.lastDetail = detail;
      } else this.#drop(row, refs);
    }
    if (counted > 0 || batch.length === 0) this.#accept(notices, rung);
    this.#ring(rung);
    return refs;
  }

  async list(filter: EntryFilter, limit: number): Promise<EntrySummary[]> {
    this.#check();
    const found = new Set(this.#matching(filter).map((row) => row.of));
    return [...found]
      .sort((a, b) => a.entry.id - b.entry.id)
      .slice(0, limit)
      .map(asSummary);
  }

  async counts(): Promise<SpoolCounts> {
    this.#check();
    const rows = this.#matching({});
    const times = [...this.#entries.values()].map(({ entry }) => entry.at);
    return {
      entries: this.#entries.size,
      deliveries: rows.length,
      held: rows.filter((row) => row.due === HELD).length,
      oldest: times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b)),
    };
  }

  async hold(filter: EntryFilter, reason: string, now: Ms): Promise<Id[]> {
    return this.#move(
      filter,
      (row) => row.due !== HELD,
      () => HELD,
      'held',
      reason,
      now,
    );
  }

  async release(filter: EntryFilter, now: Ms): Promise<Id[]> {
    return this.#move(
      filter,
      (row) => row.due === HELD,
      () => now,
      'released',
      '',
      now,
    );
  }

  async retry(filter: EntryFilter, now: Ms): Promise<Id[]> {
    return this.#move(
      filter,
      (row) => row.due !== HELD,
      (row) => Math.min(row.due, now),
      'retried',
      '',
      now,
    );
  }

  async remove(filter: EntryFilter, now: Ms): Promise<{ readonly ids: Id[]; readonly refs: string[] }> {
    this.#check();
    const found = new Set(this.#matching(filter).map((row) => row.of));
    const refs: string[] = [];
    for (const kept of found) {
      for (const row of kept.rows.values()) this.#drop(row, refs);
      this.#history.push({
        at: now,
        entry: kept.entry.id,
        delivery: 0,
        dest: '',
        kind: 'removed' satisfies HistoryKind,
        detail: '',
      });
    }
    return { ids: sortedIds(found), refs };
  }

  async history(entry: Id): Promise<HistoryLine[]> {
    this.#check();
    return this.#history.filter((line) => line.entry === entry).sort((a, b) => a.at - b.at);
  }

  async forget(before: Ms): Promise<void> {
    this.#check();
    this.#history = this.#history.filter((line) => line.at >= before);
  }

  async contentRefs(): Promise<string[]> {
    this.#check();
    return [...this.#entries.values()].flatMap(({ entry: { content } }) =>
      content.kind === 'stored' ? [content.ref] : [],
    );
  }

  async lastId(): Promise<Id> {
    this.#check();
    const rows = [...this.#entries.values()].flatMap(({ entry, rows }) => [entry.id, ...rows.keys()]);
    return Math.max(0, ...rows, ...this.#history.map((line) => line.entry));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(entries: readonly NewEntry[] = []): void {
    if (this.#closed) throw new Fault(statuses['storage-failed'], 'the spool is closed');
    for (const entry of entries) {
      if (entry.deliveries.length === 0)
        throw new Fault(statuses['storage-failed'], `entry ${entry.id} has no deliveries`);
    }
  }

  #accept(batch: readonly NewEntry[], rung: Set<number>): number {
    let count = 0;
    for (const entry of batch) {
      if (this.#entries.has(entry.id)) continue;
      const kept: Kept = { entry, rows: new Map() };
      this.#entries.set(entry.id, kept);
      for (const delivery of entry.deliveries) {
        const row: Row = { of: kept, delivery, due: delivery.due, attempts: 0, delayNotified: 0, lastDetail: '' };
        kept.rows.set(delivery.id, row);
        this.#rows[delivery.lane]?.set(delivery.id, row);
        if (delivery.due < HELD) rung.add(delivery.lane);
      }
      this.#history.push({
        at: entry.at,
        entry: entry.id,
        delivery: 0,
        dest: '',
        kind: 'accepted' satisfies HistoryKind,
        detail: acceptedDetail(entry),
      });
      count += 1;
    }
    return count;
  }

  /** Deliveries that meet every condition. */
  #matching(filter: EntryFilter): Row[] {
    const ids = filter.ids === undefined ? undefined : new Set(filter.ids);
    const rows: Row[] = [];
    for (const { entry, rows: own } of this.#entries.values()) {
      if (ids !== undefined && !ids.has(entry.id)) continue;
      if (filter.reversePath !== undefined && filter.reversePath !== entry.envelope.reversePath) continue;
      if (filter.holder !== undefined && filter.holder !== entry.origin.holder) continue;
      if (filter.serial !== undefined && filter.serial !== entry.origin.serial) continue;
      for (const row of own.values()) {
        if (filter.recipient !== undefined && filter.recipient !== row.delivery.recipient) continue;
        if (filter.dest !== undefined && filter.dest !== row.delivery.dest) continue;
        if (filter.held !== undefined && filter.held !== (row.due === HELD)) continue;
        rows.push(row);
      }
    }
    return rows;
  }

  #move(
    filter: EntryFilter,
    from: (row: Row) => boolean,
    to: (row: Row) => Ms,
    kind: HistoryKind,
    detail: string,
    now: Ms,
  ): Id[] {
    this.#check();
    const rows = this.#matching(filter).filter(from);
    const rung = new Set<number>();
    for (const row of rows) {
      row.due = to(row);
      if (row.due !== HELD) rung.add(row.delivery.lane);
      this.#tell(now, row, kind, detail);
    }
    this.#ring(rung);
    return sortedIds(new Set(rows.map((row) => row.of)));
  }

  #drop(row: Row, refs: string[]): void {
    const { of, delivery } = row;
    of.rows.delete(delivery.id);
    this.#rows[delivery.lane]?.delete(delivery.id);
    if (of.rows.size > 0) return;
    this.#entries.delete(of.entry.id);
    if (of.entry.content.kind === 'stored') refs.push(of.entry.content.ref);
  }

  #tell(at: Ms, { of, delivery }: Row, kind: HistoryKind, detail: string): void {
    this.#history.push({ at, entry: of.entry.id, delivery: delivery.id, dest: delivery.dest, kind, detail });
  }

  #ring(lanes: ReadonlySet<number>): void {
    if (lanes.size > 0) this.#signal?.ring(lanes);
  }
}

function sortedIds(found: ReadonlySet<Kept>): Id[] {
  return [...found].map(({ entry }) => entry.id).sort((a, b) => a - b);
}

function asDue({ of: { entry }, delivery, due, attempts, delayNotified }: Row): Due {
  const { id, lane, dest, recipient, notify, orcpt } = delivery;
  const { at, envelope, origin, size, content } = entry;
  const contentRef = content.kind === 'stored' ? content.ref : undefined;
  return {
    id,
    entry: entry.id,
    lane,
    dest,
    recipient,
    notify,
    orcpt,
    due,
    attempts,
    delayNotified,
    at,
    envelope,
    origin,
    size,
    contentRef,
  };
}

function asSummary({ entry, rows }: Kept): EntrySummary {
  const { id, at, envelope, origin, messageId, peer, size } = entry;
  const deliveries = [...rows.values()]
    .map(({ delivery, due, attempts, lastDetail }) => ({
      id: delivery.id,
      recipient: delivery.recipient,
      dest: delivery.dest,
      due,
      attempts,
      lastDetail,
    }))
    .sort((a, b) => a.id - b.id);
  return { id, at, reversePath: envelope.reversePath, origin, messageId, peer, size, deliveries };
}
