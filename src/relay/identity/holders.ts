/**
 * The directory of holders as a front thread has it: it looks up when a certificate is shown, keeps what it was told
 * for the next time, and hears of changes. So it costs the same whether the ledger has a thousand certificates or a million.
 */
import type { HolderDirectory, HolderRecord } from './principal.ts';

/** One certificate of our CA. */
export interface HolderEntry extends HolderRecord {
  /** In Sendmail's form (protocol/pki/name.ts). */
  readonly issuer: string;
  /** As `serialText` of protocol/pki/certificate.ts writes it. */
  readonly serial: string;
}

/** What changed, fit for postMessage. */
export interface HolderChange {
  /** Names of our issuing CAs as they are now, whether or not they have issued. */
  readonly issuers: readonly string[];
  /** Records that were added or changed; undefined: so many that all of them may have. */
  readonly entries: readonly HolderEntry[] | undefined;
}

/** Asks the ledger, which answers at once; undefined when it does not know such a certificate. */
export type HolderLookup = (issuer: string, serial: string) => HolderRecord | undefined;

/** A directory that is kept up to date by messages. */
export interface HolderCache extends HolderDirectory {
  /** From now on what the change says holds, also for those looked up before. */
  learn(change: HolderChange): void;
}

/**
 * A directory in front of `lookUp` that remembers the `limit` records asked for last. What the ledger does not know is
 * asked anew each time: a certificate that is issued is known at once.
 */
export function holderCache(lookUp: HolderLookup, issuers: readonly string[], limit: number): HolderCache {
  const known = new Map<string, HolderRecord>();
  let own: ReadonlySet<string> = new Set(issuers);
  // A serial number has no blank in it.
  const keyOf = (issuer: string, serial: string): string => `${serial} ${issuer}`;

  return {
    find(issuer, serial) {
      const key = keyOf(issuer, serial);
      const record = known.get(key) ?? lookUp(issuer, serial);
      if (record === undefined) return undefined;
      known.delete(key);
      known.set(key, record);
      if (known.size > limit) known.delete(known.keys().next().value as string);
      return record;
    },
    isOwnIssuer(issuer) {
      return own.has(issuer);
    },
    learn(change) {
      own = new Set(change.issuers);
      if (change.entries === undefined) return known.clear();
      for (const { issuer, serial, ...record } of change.entries) {
        const key = keyOf(issuer, serial);
        if (known.has(key)) known.set(key, record);
      }
    },
  };
}
