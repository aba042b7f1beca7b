/**
 * Passwords of holders, as a port. A holder is a name of the ledger or one that has passwords alone; each program gets a
 * password of its own, so that losing one device costs one password.
 * Implemented by `storage/{sqlite,memory}/passwords.ts`; contract in `store.suite.ts`.
 */
import type { Ms } from '../../base/clock.ts';

/** By what a holder may log in. `any`: a certificate or a password; `both`: a password, within a TLS session of the holder's own certificate. */
export type LoginNeed = 'any' | 'certificate' | 'password' | 'both';

export interface PasswordRecord {
  /** Public, for lists and logs. */
  readonly id: string;
  /** In lower case. */
  readonly holder: string;
  /** What it is for: a program or a device. */
  readonly label: string;
  /** Made here, with 118 random bits; or chosen by somebody. */
  readonly kind: 'made' | 'chosen';
  readonly createdAt: Ms;
  readonly by: string;
  /** Undefined: it lasts. */
  readonly expires: Ms | undefined;
  /** To the hour or so. */
  readonly usedAt: Ms | undefined;
  readonly withdrawnAt: Ms | undefined;
  /** See verifier.ts. */
  readonly argon2id: string;
  readonly scram: string | undefined;
}

/** What a login asks. Reading never waits for a writer. Methods throw a Fault. */
export interface PasswordLookup {
  /** Whether any password could be used. */
  inUse(now: Ms): boolean;
  /** Those of a holder that can be used, the latest first. */
  usable(holder: string, now: Ms): PasswordRecord[];
  /** Whether this one can be used. */
  isUsable(id: string, now: Ms): boolean;
  need(holder: string): LoginNeed;
  /** 32 random octets of this store; salts come from it. */
  secret(): Uint8Array;
  close(): void;
}

export interface PasswordStore extends PasswordLookup {
  add(record: PasswordRecord): void;
  /** By holder, then by time; without `holder` those of all. */
  list(filter: { readonly holder?: string | undefined; readonly limit: number }): PasswordRecord[];
  get(id: string): PasswordRecord | undefined;
  /** False when there is none of that id that was not withdrawn before. */
  withdraw(id: string, at: Ms): boolean;
  used(id: string, at: Ms): void;
  setNeed(holder: string, need: LoginNeed): void;
}
