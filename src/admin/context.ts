import type { Clock } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import type { Random } from '../base/random.ts';
import type { Bytes } from '../base/bytes.ts';
import type { AcmeStore } from '../ca/acme/store.ts';
import type { KeyState, SigningDoor } from '../ca/authority.ts';
import type { EnrolmentStore } from '../ca/enrolment.ts';
import type { Ledger } from '../ca/ledger.ts';
import type { Config } from '../config/schema.ts';
import type { PasswordCrypto } from '../relay/credential/crypto.ts';
import type { PasswordStore } from '../relay/credential/store.ts';
import type { ContentStore, SpoolStore } from '../relay/spool/spool.ts';

/**
 * What operations work on: made by the daemon on the live relay, or by the CLI on the files when it is stopped.
 * `app/compose.ts` makes both.
 */
export interface AdminContext {
  readonly config: Config;
  /** Absolute path of the data directory. */
  readonly directory: string;
  /** Who runs the operation, for the issuance log: `cli:USER`, or `relay` for what it does by itself. */
  readonly actor: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly ledger: Ledger;
  /** Keys, accounts and orders of ACME. */
  readonly acme: AcmeStore;
  /** One-time tokens. */
  readonly enrolments: EnrolmentStore;
  /** Passwords of holders. */
  readonly passwords: PasswordStore;
  readonly passwordCrypto: PasswordCrypto;
  /**
   * The one door to the issuing key; it opens here, and closing it is the context's affair. Rejects with an
   * AuthorityUnavailable when the key is missing, unfit or locked.
   */
  door(): Promise<SigningDoor>;
  readonly custody: KeyCustody;
  readonly spool: SpoolStore;
  readonly contents: ContentStore;
  /** Reads and writes files by path relative to `directory`. Keys are written 0600. */
  readonly files: AdminFiles;
  /** Undefined when the relay is stopped. */
  readonly live: LiveRelay | undefined;
}

export interface AdminFiles {
  /** Whether it is there; it is not opened, so this may be asked of a key. */
  has(path: string): Promise<boolean>;
  read(path: string): Promise<Uint8Array>;
  /** Writes beside and renames, synced. `secret` means 0600, else 0644. */
  write(path: string, bytes: Uint8Array, mode: 'public' | 'secret'): Promise<void>;
  /** Names in a folder; none when it is not there. */
  list(path: string): Promise<string[]>;
  /** Removes a file, or a folder with all that is in it. */
  remove(path: string): Promise<void>;
  /** Removes a secret: written over, then unlinked. */
  erase(path: string): Promise<void>;
}

/** How the issuing key is kept, behind the door. */
export interface KeyCustody {
  /** As it was last seen; undefined: not yet. Starts nothing. */
  known(): KeyState | undefined;
  /** Asks the signer. `sealTo`: what a passphrase is sealed to, for as long as that signer lives. */
  state(): Promise<{ readonly state: KeyState; readonly sealTo: Bytes }>;
  /** Hands over a sealed passphrase. Rejects with an AuthorityUnavailable when it does not open the key. */
  unlock(sealed: Uint8Array): Promise<KeyState>;
  /** The signer ends, and with it what it was told. */
  relock(): void;
  /** Files or terms of the authority are others. */
  reload(): Promise<void>;
}

/** What only a running relay can tell or do. */
export interface LiveRelay {
  readonly startedAt: number;
  /** The ledger changed: resolves when every front thread knows, and sessions whose certificate was withdrawn are ended. */
  refresh(): Promise<void>;
  /** Passwords changed: resolves when sessions whose login counts no more are ended. */
  refreshPasswords?(): Promise<void>;
  /** Files of CAs from outside changed: resolves when they are in force and their lists were asked for. */
  reloadTrust?(): Promise<void>;
  /** Fetches the CRL of a CA from outside now; why that failed, or undefined. */
  fetchCrl?(name: string): Promise<string | undefined>;
  /** Destinations that did not answer may be tried again at once. */
  retryHops?(): Promise<void>;
  listening(): readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly tls: string;
    /** Why it is not open; undefined: it is. */
    readonly fault?: string | undefined;
  }[];
  counts(): Promise<{
    readonly sessions: number;
    readonly accepted: number;
    readonly refused: number;
    readonly delivered: number;
    readonly deferred: number;
    readonly failed: number;
  }>;
}
