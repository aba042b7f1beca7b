/** What front threads know of the ledger: they look it up, and the main thread tells them what changes. */
import type { Ledger, LedgerRecord, ProfileName } from '../ca/ledger.ts';
import type { HolderEntry, HolderLookup } from '../relay/identity/holders.ts';
import type { LedgerLookup } from '../storage/sqlite/ledger-lookup.ts';

/** Records that a front thread remembers, some 300 octets each. */
export const REMEMBERED = 20_000;
/** Changes told one by one; with more it is cheaper to look all up again. */
const TOLD = 5_000;

/** A certificate of the relay itself is no holder's: it relays nothing. */
function isHolders(profile: ProfileName): boolean {
  return profile !== 'server' && profile !== 'responder';
}

export function holderLookup(lookup: LedgerLookup): HolderLookup {
  return (issuer, serial) => {
    const found = lookup.standing(issuer, serial);
    return found !== undefined && isHolders(found.profile)
      ? { holder: found.holder, state: found.state, fingerprint: found.fingerprint }
      : undefined;
  };
}

export interface LedgerChange {
  readonly version: number;
  /** Undefined: too many to name. */
  readonly entries: readonly HolderEntry[] | undefined;
}

/** What changed in the ledger since that version of it. */
export function changeSince(ledger: Ledger, version: number): LedgerChange {
  const now = ledger.version();
  if (now === version) return { version, entries: [] };
  if (now < version || now - version > TOLD) return { version: now, entries: undefined };
  const changed = ledger.changedSince(version, TOLD + 1);
  return changed.records.length > TOLD
    ? { version: now, entries: undefined }
    : {
        version: changed.version,
        entries: changed.records.filter(({ profile }) => isHolders(profile)).map(holderEntry),
      };
}

/** Whether a session that was judged before may have to be judged otherwise now. */
export function withdraws({ entries }: LedgerChange): boolean {
  return entries === undefined || entries.some(({ state }) => state !== 'active');
}

function holderEntry({ issuer, serial, holder, state, fingerprint }: LedgerRecord): HolderEntry {
  return { issuer, serial, holder, state, fingerprint };
}
