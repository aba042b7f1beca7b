import type { HolderDirectory, HolderRecord } from './principal.ts';

/** One certificate of our CA, as it crosses from the thread that reads the ledger. */
export interface HolderEntry extends HolderRecord {
  /** In Sendmail's form (protocol/pki/name.ts). */
  readonly issuer: string;
  /** As `serialText` of protocol/pki/certificate.ts writes it. */
  readonly serial: string;
}

/** All that a directory holds, fit for postMessage. */
export interface HolderSnapshot {
  readonly version: number;
  /** Names of our issuing CAs, whether or not there is an entry. */
  readonly issuers: readonly string[];
  readonly entries: readonly HolderEntry[];
}

/** What changed from one version to a later one. The ledger never forgets, so nothing is ever taken out. */
export interface HolderChange {
  readonly version: number;
  readonly entries: readonly HolderEntry[];
}

/** A directory in memory, kept up to date by messages. */
export interface HolderTable extends HolderDirectory {
  /** Puts the snapshot in place of everything. */
  replace(snapshot: HolderSnapshot): void;
  /** Adds entries and changes those that are there; a change older than what is held is passed over. */
  change(change: HolderChange): void;
  snapshot(): HolderSnapshot;
}

/** An empty directory: until the first `replace` no certificate is of our own CA, so no holder has rights. */
export function holderDirectory(): HolderTable {
  let version = 0;
  let byIssuer = new Map<string, Map<string, HolderRecord>>();

  const put = (into: typeof byIssuer, { issuer, serial, holder, state, fingerprint }: HolderEntry): void => {
    let records = into.get(issuer);
    if (records === undefined) into.set(issuer, (records = new Map()));
    records.set(serial, { holder, state, fingerprint });
  };

  return {
    get version() {
      return version;
    },
    find(issuer, serial) {
      return byIssuer.get(issuer)?.get(serial);
    },
    isOwnIssuer(issuer) {
      return byIssuer.has(issuer);
    },
    replace(snapshot) {
      const next: typeof byIssuer = new Map(snapshot.issuers.map((issuer) => [issuer, new Map()]));
      for (const entry of snapshot.entries) put(next, entry);
      byIssuer = next;
      version = snapshot.version;
    },
    change(change) {
      if (change.version < version) return;
      for (const entry of change.entries) put(byIssuer, entry);
      version = change.version;
    },
    snapshot() {
      const entries: HolderEntry[] = [];
      for (const [issuer, records] of byIssuer) {
        for (const [serial, record] of records) entries.push({ issuer, serial, ...record });
      }
      return { version, issuers: [...byIssuer.keys()], entries };
    },
  };
}
