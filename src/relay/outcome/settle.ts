/**
 * Step 9, outcome: decides what follows from an attempt for each recipient (final, tried again, given up) and who is
 * told, and makes that durable. It never attempts anything and never loses an end: what the store refuses is offered
 * again, and the worst a crash can do is a second delivery. Before it: `relay/schedule`. After it: nothing, but the
 * notices it makes start again at `relay/spool`.
 *
 * One commit is under way at a time, and the next takes all that wait by then. Ends that call for a notice first fetch
 * what the notice returns, so that they hold up no others; the notice is accepted in the commit that settles them.
 */
import type { Bytes } from '../../base/bytes.ts';
import { sleep, type Clock, type Ms } from '../../base/clock.ts';
import type { EventSink } from '../../base/event.ts';
import { asFault, type Fault } from '../../base/fault.ts';
import { queueId, type Id } from '../../base/id.ts';
import type { Outcome } from '../../base/outcome.ts';
import { statusClass, statuses } from '../../base/status.ts';
import type { ReportAction, ReportedMessage } from '../../protocol/dsn/report.ts';
import type { CarryResult } from '../message/shipment.ts';
import {
  HELD,
  type ContentStore,
  type Due,
  type NewEntry,
  type Settlement,
  type SpoolSignal,
  type SpoolStore,
} from '../spool/spool.ts';
import { conclude, remoteText, statusText, type Conclusion, type OutcomeSettings } from './conclude.ts';
import { returnsFull } from './notify.ts';
import { makeNotice, readReturned, returned, type Notice, type NoticeDeps, type Told } from './notice.ts';

/** What the settler works with. */
export interface SettlerDeps extends NoticeDeps {
  readonly store: Pick<SpoolStore, 'settle' | 'contents'>;
  readonly contents: Pick<ContentStore, 'read' | 'drop'>;
  readonly settings: () => OutcomeSettings;
  /** When a recipient is to be tried again; `attempts` counts the one just made. */
  readonly retryAt: (attempts: number, now: Ms) => Ms;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Rung for the lanes of notices. */
  readonly signal: SpoolSignal;
}

/** The end of attempts, made durable. `relay/schedule/settler.ts` declares what the schedule needs of it. */
export interface OutcomeSettler {
  /** Resolves when durable, with the earliest time at which a row is due again. Never rejects. */
  settle(rows: readonly Due[], epoch: number, result: CarryResult): Promise<Ms | undefined>;
  /** The store refused the last commit, and it is being repeated. */
  readonly failing: boolean;
}

/** After a refused commit; doubles up to the longest. */
const FIRST_RETRY: Ms = 100;
const LONGEST_RETRY: Ms = 10_000;
/** Reads of a content before a notice goes out without it. */
const READ_TRIES = 5;

export function settler(deps: SettlerDeps): OutcomeSettler {
  return new GroupSettler(deps);
}

/** What one commit holds. */
interface Batch {
  readonly settlements: Settlement[];
  readonly notices: Notice[];
  /** Entries some recipient of which is final now. */
  readonly final: Set<Id>;
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

/** An end that waits for its notices to be made. */
interface Noticed {
  readonly settlements: readonly Settlement[];
  readonly told: readonly Told[];
  readonly isFinal: boolean;
  readonly joined: (batch: Batch) => void;
}

class GroupSettler implements OutcomeSettler {
  readonly #deps: SettlerDeps;
  readonly #clock: Clock;
  #waiting: Batch = newBatch();
  #committing = false;
  #noticed: Noticed[] = [];
  #making = false;
  #failing = false;

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
  }

  get failing(): boolean {
    return this.#failing;
  }

  async settle(rows: readonly Due[], epoch: number, result: CarryResult): Promise<Ms | undefined> {
    const now = this.#clock.now();
    const settings = this.#deps.settings();
    const settlements: Settlement[] = [];
    let told: Told[] | undefined;
    let due: Ms | undefined;
    let isFinal = false;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as Due;
      const conclusion = conclude(row, this.#outcomeOf(row, i, result), now, settings, this.#deps.retryAt);
      const { result: end } = conclusion;
      settlements.push({
        id: row.id,
        entry: row.entry,
        lane: row.lane,
        epoch,
        result: end,
        detail: detailOf(conclusion.outcome),
      });
      if (end.kind !== 'deferred') isFinal = true;
      else if (end.due < HELD && (due === undefined || end.due < due)) due = end.due;
      if (conclusion.notice !== undefined) (told ??= []).push({ row, conclusion });
      this.#tell(row, conclusion, result, now);
    }
    let batch: Batch;
    if (told === undefined) {
      batch = this.#waiting;
      this.#join(batch, settlements, isFinal);
    } else {
      const having = told;
      batch = await new Promise<Batch>((joined) => {
        this.#noticed.push({ settlements, told: having, isFinal, joined });
        if (!this.#making) void this.#makeNotices();
      });
    }
    await batch.done;
    return due;
  }

  /** The outcome of one row. An attempt that forgot a recipient says nothing about it: it is tried again. */
  #outcomeOf(row: Due, index: number, result: CarryResult): Outcome {
    const at = result.recipients[index];
    const found = at?.id === row.id ? at : result.recipients.find(({ id }) => id === row.id);
    if (found !== undefined) return found.outcome;
    const detail = `the attempt has no outcome for ${row.recipient}`;
    this.#deps.events.tell({ kind: 'trouble', where: 'outcome', detail: `${queueId(row.entry)}: ${detail}` });
    return { kind: 'deferred', status: statuses['local-error'], remote: undefined, hop: undefined, detail };
  }

  #tell(row: Due, conclusion: Conclusion, result: CarryResult, now: Ms): void {
    const { outcome, result: end } = conclusion;
    this.#deps.events.tell({
      kind: 'attempted',
      id: row.entry,
      recipient: row.recipient,
      hop: result.hop,
      outcome: outcome.kind,
      status: statusText(outcome),
      remote: outcome.remote === undefined ? undefined : remoteText(outcome.remote),
      tls: result.tls,
      attempts: row.attempts + 1,
      delay: Math.max(0, now - row.at),
      nextAt: end.kind === 'deferred' ? end.due : undefined,
      holder: row.origin.holder,
      serial: row.origin.serial,
    });
    if (row.envelope.reversePath === '' && (outcome.kind === 'failed' || outcome.kind === 'expired')) {
      this.#deps.events.tell({
        kind: 'trouble',
        where: 'outcome',
        detail: `${queueId(row.entry)}: mail with the null reverse-path to ${row.recipient} is given up: ${detailOf(outcome)}`,
      });
    }
  }

  // Commits

  #join(batch: Batch, settlements: readonly Settlement[], isFinal: boolean): void {
    for (const settlement of settlements) batch.settlements.push(settlement);
    if (isFinal) batch.final.add((settlements[0] as Settlement).entry);
    if (!this.#committing) void this.#commitAll();
  }

  async #commitAll(): Promise<void> {
    this.#committing = true;
    // What comes in the same turn goes into the same commit.
    await Promise.resolve();
    while (this.#waiting.settlements.length > 0) {
      const batch = this.#waiting;
      this.#waiting = newBatch();
      const refs = await this.#commit(batch);
      this.#after(batch, refs);
    }
    this.#committing = false;
  }

  async #commit(batch: Batch): Promise<string[]> {
    const notices: NewEntry[] = batch.notices.map(({ entry }) => entry);
    for (let wait = FIRST_RETRY; ; wait = Math.min(wait * 2, LONGEST_RETRY)) {
      try {
        const refs = await this.#deps.store.settle(batch.settlements, notices);
        this.#failing = false;
        return refs;
      } catch (thrown) {
        this.#failing = true;
        this.#trouble(
          `${batch.settlements.length} settlements were refused and are offered again in ${wait} ms`,
          asFault(thrown),
        );
      }
      await sleep(this.#clock, wait);
    }
  }

  #after(batch: Batch, refs: readonly string[]): void {
    for (const ref of refs)
      this.#deps.contents
        .drop(ref)
        .catch((thrown: unknown) => this.#trouble(`content ${ref} stays behind`, asFault(thrown)));
    for (const id of batch.final) this.#deps.events.tell({ kind: 'settled', id });
    if (batch.notices.length > 0) {
      const lanes = new Set<number>();
      for (const { entry, about, to, action } of batch.notices) {
        this.#deps.events.tell({ kind: 'notified', id: entry.id, about, to, action });
        for (const { lane } of entry.deliveries) lanes.add(lane);
      }
      this.#deps.signal.ring(lanes);
    }
    batch.resolve();
  }

  // Notices

  async #makeNotices(): Promise<void> {
    this.#making = true;
    await Promise.resolve();
    while (this.#noticed.length > 0) {
      const ends = this.#noticed;
      this.#noticed = [];
      const notices = await this.#noticesOf(ends.flatMap(({ told }) => told));
      const batch = this.#waiting;
      batch.notices.push(...notices);
      for (const end of ends) {
        this.#join(batch, end.settlements, end.isFinal);
        end.joined(batch);
      }
    }
    this.#making = false;
  }

  /** One notice for each entry and action. */
  async #noticesOf(told: readonly Told[]): Promise<Notice[]> {
    const groups = new Map<string, { readonly action: ReportAction; readonly told: Told[] }>();
    for (const each of told) {
      const action = each.conclusion.notice as ReportAction;
      const key = `${each.row.entry} ${action}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { action, told: [each] });
      else group.told.push(each);
    }
    const inline = await this.#inlineContents(told);
    const now = this.#clock.now();
    const { expiry } = this.#deps.settings();
    const notices: Notice[] = [];
    for (const { action, told: about } of groups.values()) {
      const { row } = about[0] as Told;
      const original = await this.#returned(row, action, inline);
      const notice = makeNotice(this.#deps, about, action, original, expiry, now);
      if (notice !== undefined) notices.push(notice);
      else
        this.#deps.events.tell({
          kind: 'trouble',
          where: 'outcome',
          detail: `${queueId(row.entry)}: no notice to <${row.envelope.reversePath}>, which has no domain`,
        });
    }
    return notices;
  }

  async #inlineContents(told: readonly Told[]): Promise<ReadonlyMap<Id, Bytes | undefined>> {
    const ids = [...new Set(told.filter(({ row }) => row.contentRef === undefined).map(({ row }) => row.entry))];
    if (ids.length === 0) return new Map();
    const contents = await this.#persist(() => this.#deps.store.contents(ids));
    return new Map(ids.map((id, i) => [id, contents?.[i]]));
  }

  async #returned(
    row: Due,
    action: ReportAction,
    inline: ReadonlyMap<Id, Bytes | undefined>,
  ): Promise<ReportedMessage> {
    const { returnLimit } = this.#deps;
    const full = returnsFull(row, action, returnLimit);
    const { contentRef } = row;
    const bytes =
      contentRef === undefined
        ? inline.get(row.entry)
        : await this.#persist(() => readReturned(this.#deps.contents, contentRef, full, returnLimit));
    return returned(bytes, full, returnLimit);
  }

  /** Reads, some times over; undefined when what is asked for is gone or stays unreadable. A notice without it is better than none. */
  async #persist<T>(read: () => Promise<T>): Promise<T | undefined> {
    for (let tries = 1, wait = FIRST_RETRY; ; tries++, wait *= 2) {
      try {
        return await read();
      } catch (thrown) {
        const fault = asFault(thrown);
        this.#trouble('reading what a notice returns', fault);
        if (tries === READ_TRIES || statusClass(fault.status) === 5) return undefined;
      }
      await sleep(this.#clock, wait);
    }
  }

  #trouble(what: string, fault: Fault): void {
    this.#deps.events.tell({ kind: 'trouble', where: 'outcome', detail: `${what}: ${fault.message}` });
  }
}

function newBatch(): Batch {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { settlements: [], notices: [], final: new Set(), done: promise, resolve };
}

/** One line for the history. */
function detailOf(outcome: Outcome): string {
  const text = statusText(outcome);
  return outcome.remote === undefined
    ? text
    : `${text}; ${outcome.hop?.host ?? 'remote'} said: ${remoteText(outcome.remote)}`;
}
