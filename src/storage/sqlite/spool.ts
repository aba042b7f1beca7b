import type { DatabaseSync } from 'node:sqlite';
import type { Bytes } from '../../base/bytes.ts';
import type { Clock, Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import { firstIdAt, type Id } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import { acceptedDetail, type HistoryKind } from '../../relay/spool/history.ts';
import {
  HELD,
  type Cursor,
  type Due,
  type EntryFilter,
  type EntrySummary,
  type HistoryLine,
  type Lane,
  type NewEntry,
  type Settlement,
  type SpoolCounts,
  type SpoolSignal,
  type SpoolStore,
} from '../../relay/spool/spool.ts';
import { IdleCheckpoint } from './checkpoint.ts';
import { openDatabase } from './database.ts';
import { DueReader } from './due.ts';
import { storageFault } from './fault.ts';
import { deliveriesWhere } from './filter.ts';
import { GroupCommit } from './group-commit.ts';
import { listEntries, matchingEntries } from './list.ts';
import { notifyText } from './row.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** What a spool on SQLite is made with; all of it may be left out. */
export interface SqliteSpoolOptions {
  /** Time of settlements in the history. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Rung once after each commit that gave lanes something new. */
  readonly signal?: SpoolSignal;
  /** Kinds of history lines that are not kept. */
  readonly withoutHistory?: readonly HistoryKind[];
}

/** Deliveries or entries that an operator's change takes into one transaction; between two, others have their turn. */
const CHANGES = 500;

/** The spool in a file. One connection, to be used by one thread; all writes go through a group commit. Throws a Fault when it cannot be opened. */
export function sqliteSpool(path: string, options: SqliteSpoolOptions = {}): SpoolStore {
  return new SqliteSpool(openDatabase(path), options);
}

class SqliteSpool implements SpoolStore {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #due: DueReader;
  readonly #commits: GroupCommit;
  readonly #checkpoint: IdleCheckpoint;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #signal: SpoolSignal | undefined;
  readonly #untold: ReadonlySet<HistoryKind>;
  /** Lanes given something new since the last ring. A rolled back write may leave one behind: a ring is a hint. */
  #rung = new Set<number>();
  /** Orders the history lines of one ms. */
  #seq = 0;
  #closed = false;

  constructor(db: DatabaseSync, options: SqliteSpoolOptions) {
    this.#db = db;
    this.#sql = prepareStatements(db);
    this.#due = new DueReader(db);
    this.#clock = options.clock ?? { now: Date.now };
    this.#signal = options.signal;
    this.#untold = new Set(options.withoutHistory);
    this.#checkpoint = new IdleCheckpoint(db);
    this.#commits = new GroupCommit(db, () => this.#committed());
  }

  accept(batch: readonly NewEntry[]): Promise<number> {
    return this.#commits.run(() => this.#accept(batch));
  }

  claimLanes(owner: number, want: number, now: Ms, span: Ms): Promise<Lane[]> {
    return this.#commits.run(() => asLanes(this.#sql.claim.all(owner, now + span, now, want)));
  }

  renewLanes(owner: number, now: Ms, span: Ms): Promise<Lane[]> {
    return this.#commits.run(() => asLanes(this.#sql.renew.all(owner, now + span)));
  }

  releaseLanes(owner: number, lanes: readonly number[]): Promise<void> {
    return this.#commits.run(() => {
      for (const lane of lanes) this.#sql.giveBack.run(owner, lane);
    });
  }

  async due(
    lanes: readonly { readonly lane: number; readonly after: Cursor }[],
    now: Ms,
    limit: number,
    skip: readonly string[],
  ): Promise<Due[]> {
    return this.#read(() => this.#due.due(lanes, now, limit, skip));
  }

  async nextDue(lanes: readonly number[]): Promise<Ms | undefined> {
    return this.#read(() => this.#due.nextDue(lanes));
  }

  async contents(entries: readonly Id[]): Promise<(Bytes | undefined)[]> {
    return this.#read(() => entries.map((id) => values(this.#sql.body.get(id))?.[0] as Bytes | undefined));
  }

  settle(batch: readonly Settlement[], notices: readonly NewEntry[]): Promise<string[]> {
    return this.#commits.run(() => this.#settle(batch, notices));
  }

  async list(filter: EntryFilter, limit: number): Promise<EntrySummary[]> {
    return this.#read(() => listEntries(this.#db, filter, limit));
  }

  async counts(): Promise<SpoolCounts> {
    return this.#read(() => {
      const [entries, deliveries, held, oldest] = values(this.#sql.counts.get()) as [number, number, number, Ms | null];
      return { entries, deliveries, held, oldest: oldest ?? undefined };
    });
  }

  hold(filter: EntryFilter, reason: string, now: Ms): Promise<Id[]> {
    return this.#move('held', filter, now, reason);
  }

  release(filter: EntryFilter, now: Ms): Promise<Id[]> {
    return this.#move('released', filter, now, '');
  }

  retry(filter: EntryFilter, now: Ms): Promise<Id[]> {
    return this.#move('retried', filter, now, '');
  }

  async remove(filter: EntryFilter, now: Ms): Promise<{ readonly ids: Id[]; readonly refs: string[] }> {
    const found = this.#read(() => matchingEntries(this.#db, filter));
    const ids: Id[] = [];
    const refs: string[] = [];
    for (let from = 0; from < found.length; from += CHANGES) {
      const some = found.slice(from, from + CHANGES);
      for (const [id, ref] of await this.#commits.run(() => this.#remove(some, now))) {
        ids.push(id);
        if (ref !== null) refs.push(ref);
      }
    }
    return { ids, refs };
  }

  async history(entry: Id): Promise<HistoryLine[]> {
    return this.#read(() =>
      (this.#sql.history.all(entry) as unknown as [Ms, Id, Id, string, string, string][]).map(
        ([at, of, delivery, dest, kind, detail]) => ({ at, entry: of, delivery, dest, kind, detail }),
      ),
    );
  }

  async forget(before: Ms): Promise<void> {
    const end = firstIdAt(before); // no line of a later entry is older
    for (let from = 0; ;) {
      const cut = this.#read(() => values(this.#sql.historyCut.get(from, end))?.[0] as Id | undefined);
      const to = cut === undefined ? end : cut + 1;
      await this.#commits.run(() => void this.#sql.forget.run(from, to, before));
      if (cut === undefined) return;
      from = to;
    }
  }

  async contentRefs(): Promise<string[]> {
    return this.#read(() => (this.#sql.refs.all() as unknown as [string][]).map(([ref]) => ref));
  }

  async lastId(): Promise<Id> {
    return this.#read(() => (this.#sql.lastId.get() as unknown as [Id])[0]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commits.close();
    this.#checkpoint.stop();
    this.#closed = true;
    this.#db.close(); // the last connection moves the WAL into the database and removes it
  }

  #accept(batch: readonly NewEntry[]): number {
    let count = 0;
    for (const entry of batch) count += this.#add(entry);
    return count;
  }

  #add(entry: NewEntry): number {
    const { id, at, envelope, origin, content, deliveries } = entry;
    if (deliveries.length === 0) throw new Fault(statuses['storage-failed'], `entry ${id} has no deliveries`);
    const ref = content.kind === 'stored' ? content.ref : null;
    const { changes } = this.#sql.addMessage.run(
      id,
      at,
      deliveries.length,
      entry.size,
      envelope.reversePath,
      origin.holder ?? null,
      origin.serial ?? null,
      envelope.body,
      envelope.smtputf8 ? 1 : 0,
      envelope.ret ?? null,
      envelope.envid ?? null,
      entry.messageId ?? null,
      entry.peer,
      ref,
    );
    if (changes === 0) return 0;
    if (content.kind === 'inline') this.#sql.addBody.run(id, content.bytes);
    for (const { id: delivery, lane, due, dest, recipient, notify, orcpt } of deliveries) {
      this.#sql.addDelivery.run(delivery, id, lane, due, dest, recipient, notifyText(notify), orcpt ?? null);
      if (due < HELD) this.#rung.add(lane);
    }
    if (!this.#untold.has('accepted')) this.#tell(id, at, 0, '', 'accepted', acceptedDetail(entry));
    return 1;
  }

  #settle(batch: readonly Settlement[], notices: readonly NewEntry[]): string[] {
    const now = this.#clock.now();
    const refs: string[] = [];
    const ended = new Map<Id, number>();
    let counted = 0;
    for (const settlement of batch) {
      const { id, entry, result, detail } = settlement;
      if (result.kind !== 'delivered' && !this.#current(settlement)) continue;
      const row = values(
        result.kind === 'deferred'
          ? this.#sql.defer.get(result.due, result.delayNotified, detail, id, entry)
          : this.#sql.finish.get(id, entry),
      );
      if (row === undefined) continue; // settled before, or removed by the operator
      counted += 1;
      if (result.kind === 'deferred') this.#sql.wait.run(entry);
      else ended.set(entry, (ended.get(entry) ?? 0) + 1);
      this.#tell(entry, now, id, row[0] as string, result.kind, detail);
    }
    for (const [entry, count] of ended) this.#less(entry, count, refs);
    if (counted > 0 || batch.length === 0) this.#accept(notices); // a repeat must not bring a notice back that was sent
    return refs;
  }

  /** Whether the settlement was made under its lane's current epoch. */
  #current({ lane, epoch }: Settlement): boolean {
    return values(this.#sql.epoch.get(lane))?.[0] === epoch;
  }

  /** `count` deliveries of an entry are final. */
  #less(entry: Id, count: number, refs: string[]): void {
    const last = values(this.#sql.endMessage.get(entry, count));
    if (last === undefined) this.#sql.lessOpen.run(entry, count);
    else if (last[0] === null) this.#sql.dropBody.run(entry);
    else refs.push(last[0] as string);
  }

  async #move(kind: 'held' | 'released' | 'retried', filter: EntryFilter, now: Ms, detail: string): Promise<Id[]> {
    const { sql, values: parameters } = deliveriesWhere(filter);
    const from = `d.due ${kind === 'released' ? '=' : '<>'} ${HELD}`;
    const found = this.#read(() =>
      this.#db
        .prepare(`SELECT d.id FROM delivery d WHERE ${sql} AND ${from}`, { returnArrays: true })
        .all(...parameters),
    ) as unknown as [Id][];
    const changed = new Set<Id>();
    for (let at = 0; at < found.length; at += CHANGES) {
      const some = found.slice(at, at + CHANGES);
      for (const entry of await this.#commits.run(() => this.#moveSome(kind, some, now, detail))) changed.add(entry);
    }
    return [...changed].sort((a, b) => a - b);
  }

  #moveSome(kind: 'held' | 'released' | 'retried', some: readonly [Id][], now: Ms, detail: string): Id[] {
    const { hold, release, retry } = this.#sql;
    const entries: Id[] = [];
    for (const [id] of some) {
      const row = values(
        kind === 'held' ? hold.get(id) : kind === 'released' ? release.get(id, now) : retry.get(id, now),
      );
      if (row === undefined) continue;
      const [entry, lane, dest] = row as [Id, number, string];
      entries.push(entry);
      if (kind !== 'held') this.#rung.add(lane);
      this.#tell(entry, now, id, dest, kind, detail);
    }
    return entries;
  }

  #remove(some: readonly Id[], now: Ms): [id: Id, ref: string | null][] {
    const removed: [Id, string | null][] = [];
    for (const id of some) {
      const row = values(this.#sql.removeMessage.get(id));
      if (row === undefined) continue;
      this.#sql.removeDeliveries.run(id);
      this.#sql.dropBody.run(id);
      this.#tell(id, now, 0, '', 'removed', '');
      removed.push([id, row[0] as string | null]);
    }
    return removed;
  }

  #tell(entry: Id, at: Ms, delivery: Id, dest: string, kind: HistoryKind, detail: string): void {
    if (!this.#untold.has(kind)) this.#sql.addEvent.run(entry, at, this.#seq++, delivery, dest, kind, detail);
  }

  #committed(): void {
    this.#checkpoint.committed();
    if (this.#rung.size === 0) return;
    const lanes = this.#rung;
    this.#rung = new Set();
    this.#signal?.ring(lanes);
  }

  /** Reads; never inside a transaction of ours, since those begin and end without a pause. */
  #read<T>(act: () => T): T {
    if (this.#closed) throw new Fault(statuses['storage-failed'], 'the spool is closed');
    try {
      return act();
    } catch (error) {
      throw storageFault(error, 'read');
    }
  }
}

/** A row of a statement that returns arrays; node:sqlite's types know only objects. */
function values(row: unknown): readonly unknown[] | undefined {
  return row as readonly unknown[] | undefined;
}

function asLanes(rows: unknown): Lane[] {
  return (rows as [number, number, Ms][])
    .map(([lane, epoch, until]) => ({ lane, epoch, until }))
    .sort((a, b) => a.lane - b.lane);
}
