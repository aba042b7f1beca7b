import { DatabaseSync } from 'node:sqlite';
import type { LedgerRecord } from '../../ca/ledger.ts';
import { storageFault } from './fault.ts';

/** What a handshake needs to know of a certificate. */
export type Standing = Pick<LedgerRecord, 'holder' | 'profile' | 'state' | 'fingerprint'>;

export interface LedgerLookup {
  /** Undefined when the ledger has no certificate of this issuer and serial number. Throws a Fault. */
  standing(issuer: string, serial: string): Standing | undefined;
  close(): void;
}

/** The ledger of a database that another thread has opened, for reading: a connection of its own, which waits for no writer. */
export function openLookup(path: string): LedgerLookup {
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    // Enough for the inner pages of the table, so that a look-up among a million reads one page.
    db.exec('PRAGMA cache_size = -16384');
    const statement = db.prepare(
      'SELECT holder, profile, state, fingerprint FROM certificate WHERE serial = ? AND issuer = ?',
    );
    return {
      standing(issuer, serial) {
        try {
          return statement.get(serial, issuer) as Standing | undefined;
        } catch (error) {
          throw storageFault(error, 'ledger: look-up');
        }
      },
      close: () => db.close(),
    };
  } catch (error) {
    throw storageFault(error, `ledger: open ${path}`);
  }
}
