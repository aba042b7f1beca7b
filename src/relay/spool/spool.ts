/**
 * Step 6, spool: a message becomes durable here, and only then is end-of-data answered 250. It decides nothing
 * about policy or routes. Before it: `relay/message`. After it: `relay/schedule` reads what is due.
 *
 * Ids are minted by the node that makes the row, times are integers in ms, and every call takes a batch: the same
 * contract holds for SQLite in a thread and for PostgreSQL. A row in `delivery` that exists is due at `due`;
 * a retry moves `due`; a worker owns lanes, never messages. `spool.suite.ts` is the contract as tests.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { Envelope, Origin } from '../message/envelope.ts';
import type { Notify } from '../../protocol/smtp/server-event.ts';

/** Lanes are numbered 0 to LANES-1: hash(route key) mod LANES. */
export const LANES = 256;

/** A delivery on hold has this `due`; releasing it sets `due` to now. */
export const HELD: Ms = Number.MAX_SAFE_INTEGER;

/** Where content lies: in the row, or in a file of the ContentStore that was synced before the row was offered. */
export type Content =
  | { readonly kind: 'inline'; readonly bytes: Bytes }
  | { readonly kind: 'stored'; readonly ref: string };

/** One recipient to be delivered. */
export interface NewDelivery {
  readonly id: Id;
  readonly lane: number;
  /** Route key: the recipient domain's next-hop site, see `relay/schedule/lane.ts`. */
  readonly dest: string;
  readonly recipient: string;
  readonly notify: Notify | undefined;
  readonly orcpt: string | undefined;
  readonly due: Ms;
}

/** A message to be made durable, trace header included in its content. */
export interface NewEntry {
  readonly id: Id;
  readonly at: Ms;
  readonly envelope: Omit<Envelope, 'recipients'>;
  readonly origin: Origin;
  /** Message-ID as it stands in the header, for look-ups; undefined when there is none. */
  readonly messageId: string | undefined;
  /** Address and session of the client; for the history. */
  readonly peer: string;
  readonly size: number;
  readonly content: Content;
  readonly deliveries: readonly NewDelivery[];
}

/** What a worker needs to attempt one delivery. */
export interface Due {
  readonly id: Id;
  readonly entry: Id;
  readonly lane: number;
  readonly dest: string;
  readonly recipient: string;
  readonly notify: Notify | undefined;
  readonly orcpt: string | undefined;
  readonly due: Ms;
  readonly attempts: number;
  /** When a delay notice was sent for it; 0: none yet. */
  readonly delayNotified: Ms;
  /** Facts of the entry, repeated so that no second look-up is needed. */
  readonly at: Ms;
  readonly envelope: Omit<Envelope, 'recipients'>;
  readonly origin: Origin;
  readonly size: number;
  /** A copy of the reference; inline content is fetched with content(). */
  readonly contentRef: string | undefined;
}

/** Reading position in a lane: after this row. [0, 0] is the start. */
export type Cursor = readonly [due: Ms, id: Id];

/** A lane owned by a worker under an epoch that rises with every change of owner. */
export interface Lane {
  readonly lane: number;
  readonly epoch: number;
  readonly until: Ms;
}

/**
 * The end of an attempt for one delivery. `delivered` always counts, even from a former owner of the lane (to refuse
 * it would only make a duplicate); the others count only under the lane's current epoch.
 */
export interface Settlement {
  readonly id: Id;
  readonly entry: Id;
  readonly lane: number;
  readonly epoch: number;
  readonly result:
    | { readonly kind: 'delivered' | 'failed' | 'expired' }
    | { readonly kind: 'deferred'; readonly due: Ms; readonly delayNotified: Ms };
  /** One line for the history: status and what the remote said. */
  readonly detail: string;
}

/** What the spool holds, as an operator sees it. */
export interface EntrySummary {
  readonly id: Id;
  readonly at: Ms;
  readonly reversePath: string;
  readonly origin: Origin;
  readonly messageId: string | undefined;
  readonly peer: string;
  readonly size: number;
  readonly deliveries: readonly DeliverySummary[];
}

export interface DeliverySummary {
  readonly id: Id;
  readonly recipient: string;
  readonly dest: string;
  /** HELD when on hold. */
  readonly due: Ms;
  readonly attempts: number;
  /** Detail of the last settlement, '' when none. */
  readonly lastDetail: string;
}

/** Which entries; all conditions given must hold. Without any: all. */
export interface EntryFilter {
  readonly ids?: readonly Id[];
  readonly recipient?: string;
  readonly reversePath?: string;
  readonly dest?: string;
  readonly holder?: string;
  readonly serial?: string;
  readonly held?: boolean;
}

export interface SpoolCounts {
  readonly entries: number;
  readonly deliveries: number;
  readonly held: number;
  /** `at` of the oldest entry; undefined when empty. */
  readonly oldest: Ms | undefined;
}

/** A line of the history. */
export interface HistoryLine {
  readonly at: Ms;
  readonly entry: Id;
  readonly delivery: Id;
  readonly dest: string;
  readonly kind: string;
  readonly detail: string;
}

export interface SpoolStore {
  /**
   * Durable when it resolves. An entry whose id is there already is left alone (a repeat after an unknown outcome);
   * returns how many were new. Rejects with a Fault (`storage-full`, `storage-failed`) when nothing was stored.
   */
  accept(batch: readonly NewEntry[]): Promise<number>;
  /** Takes up to `want` lanes that are free or whose lease ran out, and raises their epoch. `owner` names this worker. */
  claimLanes(owner: number, want: number, now: Ms, span: Ms): Promise<Lane[]>;
  /** Extends what this worker still owns, and returns it. */
  renewLanes(owner: number, now: Ms, span: Ms): Promise<Lane[]>;
  releaseLanes(owner: number, lanes: readonly number[]): Promise<void>;
  /** For each lane up to `limit` rows after its cursor with `due` <= now, in order of (due, id). `skip` lists dests in back-off. */
  due(
    lanes: readonly { readonly lane: number; readonly after: Cursor }[],
    now: Ms,
    limit: number,
    skip: readonly string[],
  ): Promise<Due[]>;
  /** The earliest `due` in these lanes (HELD rows left out), undefined when nothing waits. */
  nextDue(lanes: readonly number[]): Promise<Ms | undefined>;
  /** Inline contents, in the order asked; undefined for one that is gone or stored elsewhere. */
  contents(entries: readonly Id[]): Promise<(Bytes | undefined)[]>;
  /**
   * In one commit: settles, and accepts `notices` (DSNs) made because of it. Returns the refs of stored contents that
   * no entry needs any more, for the caller to drop.
   */
  settle(batch: readonly Settlement[], notices: readonly NewEntry[]): Promise<string[]>;

  // For the operator
  list(filter: EntryFilter, limit: number): Promise<EntrySummary[]>;
  counts(): Promise<SpoolCounts>;
  /** Puts deliveries on hold; returns the entries changed. `reason` goes to the history. */
  hold(filter: EntryFilter, reason: string, now: Ms): Promise<Id[]>;
  /** Makes held deliveries due now. */
  release(filter: EntryFilter, now: Ms): Promise<Id[]>;
  /** Makes waiting (not held) deliveries due now. */
  retry(filter: EntryFilter, now: Ms): Promise<Id[]>;
  /** Removes entries with all their deliveries, without notice to anybody; returns ids and contents to drop. */
  remove(filter: EntryFilter, now: Ms): Promise<{ readonly ids: Id[]; readonly refs: string[] }>;
  history(entry: Id): Promise<HistoryLine[]>;
  /** Drops history before `before`. */
  forget(before: Ms): Promise<void>;
  /** All refs of stored contents that entries need; whatever else lies in the ContentStore is left over from a crash. */
  contentRefs(): Promise<string[]>;
  /** The highest id in the spool and its history, 0 when empty: new ids must be above it, whatever the clock says. */
  lastId(): Promise<Id>;
  close(): Promise<void>;
}

/** Tells the scheduler that lanes have something new. A hint: whoever listens also polls. */
export interface SpoolSignal {
  ring(lanes: ReadonlySet<number>): void;
}

/** Contents over the inline limit. Implemented by `platform/files/content-store.ts`. */
export interface ContentStore {
  /** Starts a new content. */
  create(id: Id): ContentWriter;
  /** Reads in pieces; rejects with a Fault when it is gone. */
  read(ref: string): AsyncIterable<Uint8Array>;
  /** Removes; no error when it is gone already. */
  drop(ref: string): Promise<void>;
  /** All refs that lie there. */
  refs(): Promise<string[]>;
}

export interface ContentWriter {
  /** Takes a copy-free view: the caller must not change the bytes afterwards. Resolves when more may come. */
  write(bytes: Uint8Array): Promise<void>;
  /** Synced, directory included, when it resolves with the ref. */
  finish(): Promise<string>;
  /** Throws away what was written. */
  abandon(): Promise<void>;
}
