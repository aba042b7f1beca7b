/**
 * One-time tokens: the right of one holder to one certificate, for a key that the holder makes. A token is told once and
 * kept as a hash only. It is used up by the certificate, and given back when its request was refused: a mistyped
 * request must not cost a way to the operator.
 */
import { createHash } from 'node:crypto';
import { hex } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ProfileName } from './ledger.ts';
import { makePassphrase } from './passphrase.ts';

/** What a token gives a right to. */
export interface Enrolment {
  /** Public, for lists and the log. */
  readonly id: string;
  readonly holder: string;
  readonly profile: ProfileName;
  readonly dnsNames: readonly string[];
  /** Of the certificate; undefined: the profile's. */
  readonly life: Ms | undefined;
  readonly createdAt: Ms;
  readonly expires: Ms;
  readonly by: string;
  /** When it was used up; undefined: not yet. */
  readonly usedAt: Ms | undefined;
  /** What it was used for, when that is known. */
  readonly serial: string | undefined;
  readonly withdrawn: boolean;
}

/** Implemented by `storage/<engine>/enrolment.ts`; contract in `enrolment.suite.ts`. All writes are durable when they return. */
export interface EnrolmentStore {
  /** `hash` is that of the token. */
  add(enrolment: Enrolment, hash: string): void;
  byHash(hash: string): Enrolment | undefined;
  /** Uses it up, when it is neither used, withdrawn nor over at `at`; false when it is. Of two at once, one gets true. */
  take(id: string, at: Ms): boolean;
  /** It is not used after all. */
  giveBack(id: string): void;
  usedFor(id: string, serial: string): void;
  /** False when there is none of that id that could still be used. */
  withdraw(id: string): boolean;
  /** By time of making, the latest first. */
  list(limit: number): Enrolment[];
  /** Forgets those whose time was over before this. */
  forget(before: Ms): void;
  close(): void;
}

/** A new token, 118 bits. */
export function makeToken(random: Random): { readonly token: string; readonly hash: string; readonly id: string } {
  const token = makePassphrase(random);
  return { token, hash: hashOfToken(token), id: hex(random.bytes(4)) };
}

/**
 * What a token is found by. A plain hash will do for a secret of 118 random bits, and whoever measures the look-up learns
 * of hashes only. Blanks around it, case and the dashes people leave out do not matter.
 */
export function hashOfToken(token: string): string {
  const letters = token.toLowerCase().replace(/[^a-z0-9]/g, '');
  return hex(createHash('sha256').update(letters).digest());
}

/** Why a token is of no use now; undefined: it is good. */
export function faultOf({ usedAt, withdrawn, expires }: Enrolment, now: Ms): string | undefined {
  if (withdrawn) return 'the token was withdrawn';
  if (usedAt !== undefined) return 'the token was used before';
  return expires <= now ? 'the token has expired' : undefined;
}
