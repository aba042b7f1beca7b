import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';

const SQLITE_FULL = 13;

/** An error of node:sqlite as a Fault: `storage-full` when the disk (or the page limit) is full, else `storage-failed`. */
export function storageFault(thrown: unknown, doing: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const { code, errcode } = thrown as { readonly code?: unknown; readonly errcode?: unknown };
  const full = code === 'ENOSPC' || (typeof errcode === 'number' && (errcode & 0xff) === SQLITE_FULL);
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  const number = typeof errcode === 'number' ? ` (SQLite error ${errcode})` : '';
  return new Fault(statuses[full ? 'storage-full' : 'storage-failed'], `${doing}: ${what}${number}`, thrown);
}
