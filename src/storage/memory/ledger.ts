import type { Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import type { Ledger, LedgerFilter, LedgerRecord, RevocationReason } from '../../ca/ledger.ts';

/** A ledger for tests and simulations: as lasting as the process. */
export function memoryLedger(): Ledger {
  const records = new Map<string, LedgerRecord>();
  let version = 0;
  let crlNumber = 0;

  return {
    add(record: LedgerRecord): void {
      if (records.has(record.serial))
        throw new Fault(statuses['local-error'], `the ledger has serial number ${record.serial} already`);
      records.set(record.serial, record);
      version++;
    },
    find(filter: LedgerFilter): LedgerRecord[] {
      return [...records.values()].filter((record) => matches(record, filter)).toSorted(inOrder);
    },
    revoke(serials: readonly string[], reason: RevocationReason, at: Ms): LedgerRecord[] {
      const changed: LedgerRecord[] = [];
      for (const serial of new Set(serials)) {
        const record = records.get(serial);
        if (record === undefined || record.state === 'revoked') continue;
        const revoked: LedgerRecord = { ...record, state: 'revoked', revokedAt: at, reason };
        records.set(serial, revoked);
        changed.push(revoked);
        version++;
      }
      return changed.toSorted(inOrder);
    },
    version: () => version,
    nextCrlNumber: () => ++crlNumber,
    close: () => {},
  };
}

function matches(record: LedgerRecord, filter: LedgerFilter): boolean {
  return (
    (filter.holder === undefined || filter.holder === record.holder) &&
    (filter.serial === undefined || filter.serial === record.serial) &&
    (filter.state === undefined || filter.state === record.state)
  );
}

/** By time of issue, then serial. */
function inOrder(a: LedgerRecord, b: LedgerRecord): number {
  return a.issuedAt - b.issuedAt || (a.serial < b.serial ? -1 : 1);
}
