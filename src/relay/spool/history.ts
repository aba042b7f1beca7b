import type { NewEntry } from './spool.ts';

/**
 * Kinds of history lines. `accepted` and `removed` are about an entry (delivery 0, no dest), the others about one
 * delivery.
 */
export type HistoryKind =
  | 'accepted'
  | 'delivered'
  | 'deferred'
  | 'failed'
  | 'expired'
  | 'held'
  | 'released'
  | 'retried'
  | 'removed';

/** Detail of an `accepted` line: what stays known of a message after its row is gone. One line. */
export function acceptedDetail(entry: NewEntry): string {
  const serial = entry.origin.serial === undefined ? '' : ` serial=${entry.origin.serial}`;
  const messageId = entry.messageId === undefined ? '' : ` msgid=${entry.messageId}`;
  return `from=<${entry.envelope.reversePath}> size=${entry.size} peer=${entry.peer}${serial}${messageId}`;
}
