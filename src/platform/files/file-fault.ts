import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';

/** An error of a content's file as a Fault: `storage-full` when the disk or the quota is used up, else `storage-failed`. */
export function fileFault(thrown: unknown, path: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new Fault(statuses[full ? 'storage-full' : 'storage-failed'], `${path}: ${message}`, thrown);
}
