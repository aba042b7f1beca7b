/**
 * CAs from outside in the running relay: reads `trust/` and reads it again when it changes, fetches CRLs, and says what
 * runs out. A change takes effect whole or not at all, one CA at a time: what cannot be used is told, and what was in
 * force before stays.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePem } from '../protocol/pki/pem.ts';
import {
  checkTrust,
  TRUST_FOLDER,
  TRUST_NAME,
  trustPaths,
  type LoadedTrust,
  type TrustTexts,
} from '../admin/trust-check.ts';
import { trustWarnings, type TrustWarning } from '../admin/trust.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import { authorityFiles } from '../ca/setup.ts';
import { isFileNow } from '../platform/files/write-file.ts';
import type { ForeignSnapshot } from '../relay/identity/foreign.ts';
import { isNoOlder, type RevocationList } from '../relay/identity/revocation-list.ts';
import { CrlFetcher } from './crl-fetch.ts';
import { fileStamp } from './stamp.ts';
import { WatchedFiles } from './watched-files.ts';

/** A text that somebody edits is written at once: what is wrong with it for longer is a mistake, and its author waits. */
const EDIT_TIME: Ms = 2_000;

export interface ForeignParts {
  readonly directory: string;
  readonly events: EventSink;
  readonly clock: Clock;
  /** Puts a snapshot in force in all threads; resolves when it is. */
  apply(snapshot: ForeignSnapshot): Promise<void>;
}

interface Trust {
  /** Of the files that were read last. */
  readonly stamp: string;
  readonly faults: readonly string[];
  /** In force; undefined: its files were never good. */
  readonly loaded: LoadedTrust | undefined;
}

const DAY: Ms = 86_400_000;
const HOUR: Ms = 3_600_000;

export class ForeignKeeper {
  readonly #parts: ForeignParts;
  readonly #files: WatchedFiles;
  readonly #fetcher: CrlFetcher;
  readonly #told = new Map<string, Ms>();
  #trusts: ReadonlyMap<string, Trust> = new Map();
  #warnedAt: Ms | undefined;

  constructor(parts: ForeignParts) {
    this.#parts = parts;
    this.#files = new WatchedFiles({
      what: 'trusted CAs',
      files: () => this.#paths(),
      take: () => this.#take(),
      patience: EDIT_TIME,
      events: parts.events,
      clock: parts.clock,
    });
    this.#trusts = this.#read();
    this.#fetcher = new CrlFetcher({
      clock: parts.clock,
      events: parts.events,
      directory: parts.directory,
      accept: (name, crl) => this.#faultOfCrl(name, crl),
      changed: () => this.#files.takeNow(),
    });
    for (const fault of this.#faults()) parts.events.tell({ kind: 'trouble', where: 'trusted CAs', detail: fault });
  }

  /** What is in force. */
  snapshot(): ForeignSnapshot {
    const loaded = [...this.#trusts.values()].flatMap((trust) => trust.loaded ?? []);
    return {
      authorities: loaded.map(({ foreign }) => foreign),
      certificates: loaded.flatMap(({ certificates }) => certificates),
      pem: loaded.map(({ pem }) => pem),
    };
  }

  /** Takes what changed, begins to fetch what is due, and tells once a day what runs out. Called at each look. */
  async look(): Promise<void> {
    await this.#files.look();
    this.#fetcher.begin(this.#fetched());
    const now = this.#parts.clock.monotonic();
    if (this.#warnedAt !== undefined && now - this.#warnedAt < HOUR) return;
    this.#warnedAt = now;
    this.#warn();
  }

  /** Takes the files as they are, and fetches the lists of those that have none yet; resolves when both is done. */
  async reload(): Promise<void> {
    await this.#files.takeNow();
    const missing = this.#fetched().filter(({ until }) => until === undefined);
    await Promise.all(missing.map(({ name, url }) => this.#fetcher.fetch(name, url)));
  }

  /** Fetches a list now; why it could not, or undefined. */
  async fetch(name: string): Promise<string | undefined> {
    const one = this.#fetched().find((each) => each.name === name);
    return one === undefined ? `the trust ${name} has no crl.url in force` : await this.#fetcher.fetch(name, one.url);
  }

  stop(): void {
    this.#fetcher.stop();
  }

  #fetched(): { readonly name: string; readonly url: string; readonly until: Ms | undefined }[] {
    return [...this.#trusts].flatMap(([name, { loaded }]) => {
      const url = loaded?.file.crl?.url;
      if (loaded === undefined || url === undefined) return [];
      const ends = loaded.crls.map(({ nextUpdate }) => nextUpdate);
      return [{ name, url, until: ends.length === 0 ? undefined : Math.min(...ends) }];
    });
  }

  #names(): string[] {
    try {
      return readdirSync(join(this.#parts.directory, TRUST_FOLDER)).filter(
        (name) => TRUST_NAME.test(name) && isFileNow(this.#at(trustPaths(name).authority)),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  #at(path: string): string {
    return join(this.#parts.directory, path);
  }

  #paths(): string[] {
    return this.#names().flatMap((name) => this.#pathsOf(name));
  }

  #pathsOf(name: string): string[] {
    const { authority, crl, rules } = trustPaths(name);
    return [authority, crl, rules].map((path) => this.#at(path));
  }

  /** All trusts; those whose files did not change are not read again. */
  #read(): ReadonlyMap<string, Trust> {
    const own = this.#own();
    const trusts = new Map<string, Trust>();
    for (const name of this.#names().toSorted()) {
      const before = this.#trusts.get(name);
      const stamp = fileStamp(this.#pathsOf(name));
      trusts.set(name, before?.stamp === stamp ? before : this.#readOne(name, stamp, before?.loaded, own));
    }
    return withoutTwins(trusts);
  }

  #readOne(name: string, stamp: string, before: LoadedTrust | undefined, own: readonly Uint8Array[]): Trust {
    const { loaded, faults } = checkTrust(name, this.#texts(name), { own, now: this.#parts.clock.now() });
    if (loaded === undefined) return { stamp, faults, loaded: before };
    const older = before === undefined ? undefined : olderList(loaded, before);
    if (older !== undefined) return { stamp, faults: [`${trustPaths(name).crl}: ${older}`], loaded: before };
    return { stamp, faults: [], loaded };
  }

  #texts(name: string): TrustTexts {
    const { authority, crl, rules } = trustPaths(name);
    const read = (path: string): Buffer | undefined =>
      isFileNow(this.#at(path)) ? readFileSync(this.#at(path)) : undefined;
    return {
      authority: readFileSync(this.#at(authority)),
      rules: read(rules)?.toString('utf8') ?? '',
      crl: read(crl),
    };
  }

  #own(): Uint8Array[] {
    return [authorityFiles.rootCertificate, authorityFiles.issuingCertificate]
      .map((path) => this.#at(path))
      .filter(isFileNow)
      .flatMap((path) => decodePem(readFileSync(path, 'latin1')).map(({ der }) => der));
  }

  async #take(): Promise<boolean> {
    const next = this.#read();
    const changed = !isSame(next, this.#trusts);
    this.#trusts = next;
    if (changed) {
      await this.#parts.apply(this.snapshot());
      for (const { loaded } of next.values()) for (const remark of loaded?.warnings ?? []) this.#once(remark);
      this.#warn();
    }
    const faults = this.#faults();
    if (faults.length > 0) throw new Error(faults.join('; '));
    return changed;
  }

  #faults(): string[] {
    return [...this.#trusts.values()].flatMap(({ faults, loaded }) =>
      faults.map((fault) => (loaded === undefined ? fault : `${fault} (what was there before stays in force)`)),
    );
  }

  /** Why a list that was fetched cannot take the place of the one in force. */
  #faultOfCrl(name: string, crl: Uint8Array): string | undefined {
    const before = this.#trusts.get(name)?.loaded;
    const around = { own: this.#own(), now: this.#parts.clock.now() };
    const { loaded, faults } = checkTrust(name, { ...this.#texts(name), crl }, around);
    if (loaded === undefined) return faults.join('; ');
    return before === undefined ? undefined : olderList(loaded, before);
  }

  #warn(): void {
    const now = this.#parts.clock.now();
    for (const [name, { loaded }] of this.#trusts)
      for (const warning of loaded === undefined ? [] : trustWarnings(name, loaded, now))
        this.#once(warningText(warning));
  }

  /** Once a day. */
  #once(detail: string): void {
    const now = this.#parts.clock.monotonic();
    const last = this.#told.get(detail);
    if (last !== undefined && now - last < DAY) return;
    this.#told.set(detail, now);
    this.#parts.events.tell({ kind: 'trouble', where: 'trusted CAs', detail });
  }
}

function isSame(one: ReadonlyMap<string, Trust>, other: ReadonlyMap<string, Trust>): boolean {
  return one.size === other.size && [...one].every(([name, { loaded }]) => other.get(name)?.loaded === loaded);
}

/** A CA in two folders has the rules of the first alone. */
function withoutTwins(trusts: ReadonlyMap<string, Trust>): ReadonlyMap<string, Trust> {
  const owner = new Map<string, string>();
  const kept = new Map<string, Trust>();
  for (const [name, trust] of trusts) {
    const keys = trust.loaded?.certificates.map(({ keyId }) => keyId) ?? [];
    const twin = keys.map((key) => owner.get(key)).find((other) => other !== undefined);
    if (twin !== undefined) {
      const fault = `${trustPaths(name).authority}: a CA in it is in trust/${twin} already, whose rules hold; take it out of one of them`;
      kept.set(name, { ...trust, loaded: undefined, faults: [...trust.faults, fault] });
      continue;
    }
    for (const key of keys) owner.set(key, name);
    kept.set(name, trust);
  }
  return kept;
}

/** In words, when a list is older than the one in force that it would replace. */
function olderList(next: LoadedTrust, before: LoadedTrust): string | undefined {
  for (const list of before.foreign.revocation?.lists ?? []) {
    const same = (next.foreign.revocation?.lists ?? []).filter(
      ({ issuer, scope }) => issuer === list.issuer && scope === list.scope,
    );
    const older = same.length > 0 && same.every((one) => !isNoOlder(one, list)) ? same[0] : undefined;
    if (older !== undefined) return `this list (${said(older)}) is older than the one in force (${said(list)})`;
  }
  return undefined;
}

function said({ number, thisUpdate }: RevocationList): string {
  const day = new Date(thisUpdate).toISOString();
  return number === undefined ? `of ${day}` : `number ${number}, of ${day}`;
}

function warningText({ kind, trust, subject, at, expired }: TrustWarning): string {
  const when = at === null ? '' : new Date(at).toISOString();
  const meanwhile = expired === 'accept' ? 'are accepted unchecked' : 'are refused';
  switch (kind) {
    case 'ca-ended':
      return `trust ${trust}: ${subject} expired on ${when}; its certificates are refused`;
    case 'ca-ends':
      return `trust ${trust}: ${subject} expires on ${when}; add the CA that follows it`;
    case 'crl-missing':
      return `trust ${trust}: there is no revocation list; certificates ${meanwhile}`;
    case 'crl-ended':
      return `trust ${trust}: the revocation list of ${subject} ran out on ${when}; certificates ${meanwhile}`;
    default:
      return `trust ${trust}: the revocation list of ${subject} runs out on ${when}, and no newer one is here; certificates ${meanwhile} then`;
  }
}
