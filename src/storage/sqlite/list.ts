import type { DatabaseSync } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { DeliverySummary, EntryFilter, EntrySummary } from '../../relay/spool/spool.ts';
import { entriesWhere } from './filter.ts';

type SummaryRow = readonly [Id, Ms, string, string | null, string | null, string | null, string, number];

/** Entries that meet the filter, the oldest first, with all their deliveries. */
export function listEntries(db: DatabaseSync, filter: EntryFilter, limit: number): EntrySummary[] {
  const { sql, values } = entriesWhere(filter);
  const entries = db.prepare(
    `SELECT m.id, m.at, m.reverse_path, m.holder, m.serial, m.message_id, m.peer, m.size FROM message m WHERE ${sql} ORDER BY m.id LIMIT ?`,
    { returnArrays: true },
  );
  const deliveries = db.prepare(
    'SELECT id, recipient, dest, due, attempts, detail AS lastDetail FROM delivery WHERE entry = ? ORDER BY id',
  );
  return (entries.all(...values, limit) as unknown as SummaryRow[]).map(
    ([id, at, reversePath, holder, serial, messageId, peer, size]) => ({
      id,
      at,
      reversePath,
      origin: { holder: holder ?? undefined, serial: serial ?? undefined },
      messageId: messageId ?? undefined,
      peer,
      size,
      deliveries: deliveries.all(id).map((row) => ({ ...row }) as unknown as DeliverySummary),
    }),
  );
}

/** Ids of the entries that meet the filter, the oldest first. */
export function matchingEntries(db: DatabaseSync, filter: EntryFilter): Id[] {
  const { sql, values } = entriesWhere(filter);
  const rows = db
    .prepare(`SELECT m.id FROM message m WHERE ${sql} ORDER BY m.id`, { returnArrays: true })
    .all(...values);
  return (rows as unknown as [Id][]).map(([id]) => id);
}
