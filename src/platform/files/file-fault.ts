import { Fault } from '../../base/fault.ts';
import { statuses, type StatusKey } from '../../base/status.ts';

const keys: Readonly<Record<string, StatusKey>> = { ENOSPC: 'storage-full', EDQUOT: 'storage-full', ENOENT: 'content-missing' };

/** An error of a content's file as a Fault: `storage-full`, `content-missing`, or `storage-failed` for all else. */
export function fileFault(thrown: unknown, path: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  return new Fault(statuses[keys[code ?? ''] ?? 'storage-failed'], `${path}: ${message}`, thrown);
}
