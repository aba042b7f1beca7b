/** What an operator can do with mail that waits. Ids are printed queue ids; times are ms since 1970 UTC. */
import type { Ms } from '../base/clock.ts';
import { type Id, parseQueueId, queueId } from '../base/id.ts';
import { type EntryFilter, type EntrySummary, HELD, type SpoolCounts } from '../relay/spool/spool.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

/** Which entries: all conditions given must hold. */
export interface QueueSelection {
  readonly ids?: readonly string[] | undefined;
  readonly recipient?: string | undefined;
  readonly reversePath?: string | undefined;
  readonly dest?: string | undefined;
  readonly holder?: string | undefined;
  readonly serial?: string | undefined;
  readonly held?: boolean | undefined;
}

/** A selection for a change; `all` must be said to mean everything. */
export interface QueueChange extends QueueSelection {
  readonly all?: boolean | undefined;
  /** For hold: goes to the history. */
  readonly reason?: string | undefined;
}

export interface QueuedDelivery {
  readonly recipient: string;
  readonly dest: string;
  readonly held: boolean;
  /** When it is tried next; null while on hold. */
  readonly due: Ms | null;
  readonly attempts: number;
  readonly lastDetail: string;
}

export interface QueuedEntry {
  readonly id: string;
  readonly at: Ms;
  readonly reversePath: string;
  readonly size: number;
  readonly holder: string | null;
  readonly serial: string | null;
  readonly peer: string;
  readonly messageId: string | null;
  readonly deliveries: readonly QueuedDelivery[];
}

export interface QueueListing {
  readonly entries: readonly QueuedEntry[];
  readonly counts: SpoolCounts;
  /** More entries fit the selection than were asked for. */
  readonly more: boolean;
}

export interface QueueDetails {
  /** Null when the entry has left the queue and only its history is left. */
  readonly entry: QueuedEntry | null;
  readonly history: readonly {
    readonly at: Ms;
    readonly dest: string;
    readonly kind: string;
    readonly detail: string;
  }[];
}

export interface QueueChanged {
  readonly ids: readonly string[];
}

export async function listQueue(
  context: AdminContext,
  selection: QueueSelection & { readonly limit?: number | undefined },
): Promise<QueueListing> {
  const limit = selection.limit ?? 100;
  const found = await context.spool.list(filterOf(selection), limit + 1);
  return {
    entries: found.slice(0, limit).map(plainEntry),
    counts: await context.spool.counts(),
    more: found.length > limit,
  };
}

/** Rejects with `not-found` when neither queue nor history knows the id. */
export async function showQueued(context: AdminContext, input: { readonly id: string }): Promise<QueueDetails> {
  const id = idOf(input.id);
  const [entry] = await context.spool.list({ ids: [id] }, 1);
  const history = (await context.spool.history(id)).map(({ at, dest, kind, detail }) => ({ at, dest, kind, detail }));
  if (entry === undefined && history.length === 0) throw notThere([input.id]);
  return { entry: entry === undefined ? null : plainEntry(entry), history };
}

export function holdQueued(context: AdminContext, change: QueueChange): Promise<QueueChanged> {
  const reason = change.reason ?? 'held by the operator';
  return changed(context, 'hold', change, (filter) => context.spool.hold(filter, reason, context.clock.now()));
}

export function releaseQueued(context: AdminContext, change: QueueChange): Promise<QueueChanged> {
  return changed(context, 'release', change, async (filter) => {
    await context.live?.retryHops?.();
    return context.spool.release(filter, context.clock.now());
  });
}

export function retryQueued(context: AdminContext, change: QueueChange): Promise<QueueChanged> {
  return changed(context, 'retry', change, async (filter) => {
    await context.live?.retryHops?.();
    return context.spool.retry(filter, context.clock.now());
  });
}

/** Removes entries with all their recipients; nobody is told. */
export function removeQueued(context: AdminContext, change: QueueChange): Promise<QueueChanged> {
  return changed(context, 'remove', change, async (filter) => {
    const { ids, refs } = await context.spool.remove(filter, context.clock.now());
    await Promise.all(refs.map((ref) => context.contents.drop(ref)));
    return ids;
  });
}

async function changed(
  context: AdminContext,
  action: 'hold' | 'release' | 'retry' | 'remove',
  change: QueueChange,
  act: (filter: EntryFilter) => Promise<Id[]>,
): Promise<QueueChanged> {
  const filter = filterOf(change);
  if (Object.keys(filter).length === 0 && change.all !== true) {
    throw new OperationError(
      'usage',
      'no entries were named',
      'give queue ids or a condition, or say that all are meant (--all)',
    );
  }
  if (filter.ids !== undefined) await refuseUnknown(context, filter.ids);
  const ids = await act(filter);
  if (ids.length > 0) context.events.tell({ kind: 'queue-changed', action, ids, by: 'operator' });
  return { ids: ids.map(queueId) };
}

/** A mistyped id must not pass for "nothing to do". */
async function refuseUnknown(context: AdminContext, ids: readonly Id[]): Promise<void> {
  const known = new Set((await context.spool.list({ ids }, ids.length)).map((entry) => entry.id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) throw notThere(unknown.map(queueId));
}

function notThere(ids: readonly string[]): OperationError {
  return new OperationError(
    'not-found',
    `${ids.join(', ')} ${ids.length === 1 ? 'is' : 'are'} not in the queue`,
    "see 'sealpost queue list'",
  );
}

function filterOf(selection: QueueSelection): EntryFilter {
  const { ids, recipient, reversePath, dest, holder, serial, held } = selection;
  return {
    ...(ids === undefined || ids.length === 0 ? {} : { ids: ids.map(idOf) }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(reversePath === undefined ? {} : { reversePath }),
    ...(dest === undefined ? {} : { dest }),
    ...(holder === undefined ? {} : { holder }),
    ...(serial === undefined ? {} : { serial: serial.toLowerCase() }),
    ...(held === undefined ? {} : { held }),
  };
}

function idOf(text: string): Id {
  const id = parseQueueId(text);
  if (id === undefined) throw new OperationError('usage', `"${text}" is no queue id`, 'they look like 0012ABCDEFG');
  return id;
}

function plainEntry(entry: EntrySummary): QueuedEntry {
  return {
    id: queueId(entry.id),
    at: entry.at,
    reversePath: entry.reversePath,
    size: entry.size,
    holder: entry.origin.holder ?? null,
    serial: entry.origin.serial ?? null,
    peer: entry.peer,
    messageId: entry.messageId ?? null,
    deliveries: entry.deliveries.map(({ recipient, dest, due, attempts, lastDetail }) => ({
      recipient,
      dest,
      held: due >= HELD,
      due: due >= HELD ? null : due,
      attempts,
      lastDetail,
    })),
  };
}
