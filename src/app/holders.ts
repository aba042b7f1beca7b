import type { Ledger, LedgerRecord } from '../ca/ledger.ts';
import type { HolderEntry, HolderSnapshot } from '../relay/identity/holders.ts';

/**
 * What the front threads need to know of the ledger. `issuers` are the names of our own CAs: a certificate of one of
 * them that has no record here was never issued by us, whatever its signature says. A server's certificate is no
 * holder's: it relays nothing.
 */
export function holderSnapshot(ledger: Ledger, issuers: readonly string[]): HolderSnapshot {
  return {
    version: ledger.version(),
    issuers,
    entries: ledger
      .find({})
      .filter(({ profile }) => profile !== 'server')
      .map(holderEntry),
  };
}

function holderEntry({ issuer, serial, holder, state, fingerprint }: LedgerRecord): HolderEntry {
  return { issuer, serial, holder, state, fingerprint };
}
