/**
 * Logins by password: who is meant by a name, whether a password or a proof is one of theirs, and how many wrong ones are
 * borne. An answer never tells whether there is such a name: an unknown one costs the same work, and gets the same words.
 */
import { utf8 } from '../../../base/bytes.ts';
import { sleep, type Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import { prepare, prepareName } from '../../../protocol/sasl/prepare.ts';
import { addressKey } from '../../connection/admission.ts';
import type { PasswordCrypto } from '../../credential/crypto.ts';
import type { PasswordLookup, PasswordRecord } from '../../credential/store.ts';
import {
  ARGON2,
  checkProof,
  readArgon2,
  readScram,
  saltOf,
  unknownKeys,
  type Argon2Hash,
  type ScramKeys,
} from '../../credential/verifier.ts';
import type { Guess, Guesses } from './guesses.ts';
import type { AuthFacts, AuthStep } from './mechanism.ts';

export interface PasswordServices {
  readonly lookup: PasswordLookup;
  readonly crypto: PasswordCrypto;
  readonly guesses: Guesses;
  readonly clock: Clock;
  readonly random: Random;
  /** Domain of names that are given without one. */
  realm(): string | undefined;
}

/** Passwords whose hash waits to be computed; with more, clients are told to come again. */
const WAITING = 64;

/** Somebody a name stands for. */
interface Candidate {
  /** Who is meant, whether or not there is such a holder. */
  readonly holder: string;
  readonly passwords: readonly PasswordRecord[];
}

/** What SCRAM begins with. */
export interface ScramStart {
  readonly candidate: Candidate;
  /** Keys of all passwords that have this salt and count; those of nobody for a name without. */
  readonly keys: readonly { readonly keys: ScramKeys; readonly record: PasswordRecord | undefined }[];
}

/** One of these for each front thread. */
export class PasswordLogins {
  readonly #services: PasswordServices;
  /** Hashes are computed one after the other: a thread of libuv each would leave none for files. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(services: PasswordServices) {
    this.#services = services;
  }

  get crypto(): PasswordCrypto {
    return this.#services.crypto;
  }

  get random(): Random {
    return this.#services.random;
  }

  /** Whether there is any password to log in by. */
  inUse(): boolean {
    return this.#services.lookup.inUse(this.#services.clock.now());
  }

  /** Whether a login of this password still stands, and by it alone. */
  stands(password: string, holder: string, facts: Pick<AuthFacts, 'principal'>): boolean {
    const { lookup, clock } = this.#services;
    return lookup.isUsable(password, clock.now()) && this.#fault(holder, facts) === undefined;
  }

  /** Whether this holder's certificate is no login by itself; `loggedIn`: whose password came with it. */
  needsPassword(holder: string, loggedIn: string | undefined): boolean {
    const need = this.#services.lookup.need(nameOf(holder));
    return (need === 'both' || need === 'password') && nameOf(holder) !== loggedIn;
  }

  /** For PLAIN and LOGIN. */
  async check(facts: AuthFacts, name: string, password: string, authorization: string): Promise<AuthStep> {
    const { crypto } = this.#services;
    const candidate = this.#candidate(name);
    if (this.#waiting >= WAITING) return { kind: 'failure', status: 'auth-unavailable', reason: '' };
    const guess = this.#services.guesses.begin(addressKey(facts.address), candidate.holder);
    if (guess === undefined) return tooMany(candidate);
    const octets = utf8(prepare(password) ?? '');
    const known = candidate.passwords.map((record) => ({ record, kept: readArgon2(record.argon2id) }));
    let found: PasswordRecord | undefined;
    for (const { salt, cost } of this.#kinds(candidate, known)) {
      const hash = await this.#inTurn(() => crypto.argon2id(octets, salt, cost));
      for (const { record, kept } of known)
        if (isLike(kept, { salt, cost }) && crypto.isEqual(kept.hash, hash)) found ??= record;
    }
    return await this.#conclude(facts, guess, candidate, found, authorization);
  }

  /** The keys that a SCRAM exchange of this name is about. */
  scram(name: string): ScramStart {
    const { crypto, lookup } = this.#services;
    const candidate = this.#candidate(name);
    const known = candidate.passwords.flatMap((record) =>
      record.scram === undefined ? [] : [{ keys: readScram(record.scram), record }],
    );
    const [first] = known;
    if (first === undefined)
      return { candidate, keys: [{ keys: unknownKeys(crypto, lookup.secret(), candidate.holder), record: undefined }] };
    const { salt, iterations } = first.keys;
    const alike = known.filter(({ keys }) => keys.iterations === iterations && crypto.isEqual(keys.salt, salt));
    return { candidate, keys: alike };
  }

  /** Whether the proof is that of one of the keys; then the server's signature comes with the success. */
  async prove(
    facts: AuthFacts,
    { candidate, keys }: ScramStart,
    message: string,
    proof: Uint8Array,
    authorization: string,
  ): Promise<{ readonly step: AuthStep; readonly signature: Uint8Array }> {
    const guess = this.#services.guesses.begin(addressKey(facts.address), candidate.holder);
    let [found, signature]: [PasswordRecord | undefined, Uint8Array] = [undefined, new Uint8Array(0)];
    if (guess === undefined) return { step: tooMany(candidate), signature };
    for (const { keys: one, record } of keys) {
      const signed = checkProof(this.crypto, one, message, proof);
      if (signed !== undefined && record !== undefined) [found, signature] = [record, signed];
    }
    return { step: await this.#conclude(facts, guess, candidate, found, authorization), signature };
  }

  async #conclude(
    facts: AuthFacts,
    guess: Guess,
    { holder, passwords }: Candidate,
    found: PasswordRecord | undefined,
    authorization: string,
  ): Promise<AuthStep> {
    const { clock } = this.#services;
    if (found === undefined) {
      await sleep(clock, guess.wrong());
      // A name that is none of ours is not told: people type passwords into the wrong field.
      const detail = passwords.length === 0 ? 'a name without a password here' : `a wrong password of ${holder}`;
      return { kind: 'failure', status: 'auth-failed', reason: 'name or password is wrong', detail };
    }
    guess.right();
    // RFC 4616 §2: nobody may act for somebody else here.
    if (authorization !== '' && this.#candidate(authorization).holder !== holder)
      return {
        kind: 'failure',
        status: 'auth-failed',
        reason: 'this name may not act for another',
        detail: `${holder} wanted to act for another`,
      };
    const fault = this.#fault(holder, facts);
    if (fault !== undefined)
      return { kind: 'failure', status: 'auth-not-enough', reason: fault, detail: `${holder}: ${fault}` };
    return { kind: 'success', identity: holder, holder, password: found.id };
  }

  /** Why a right password is not enough. */
  #fault(holder: string, { principal }: Pick<AuthFacts, 'principal'>): string | undefined {
    const need = this.#services.lookup.need(holder);
    if (need === 'certificate') return 'this holder logs in by certificate only';
    if (need !== 'both' || (principal.kind === 'verified' && nameOf(principal.holder ?? '') === holder))
      return undefined;
    return "this holder needs a password and the holder's own client certificate";
  }

  /** By the name as it is; then with the realm, or without. */
  #candidate(name: string): Candidate {
    const { lookup, clock } = this.#services;
    const now = clock.now();
    const plain = prepareName(name) ?? '';
    const realm = this.#services.realm()?.toLowerCase();
    const names = [plain];
    if (realm !== undefined && !plain.includes('@')) names.push(`${plain}@${realm}`);
    else if (realm !== undefined && plain.endsWith(`@${realm}`)) names.push(plain.slice(0, -realm.length - 1));
    for (const holder of names) {
      const passwords = lookup.usable(holder, now);
      if (passwords.length > 0) return { holder, passwords };
    }
    // One name for both ways to write it, as of a holder: else its salt would tell that there is none.
    return { holder: names.toSorted()[0] ?? plain, passwords: [] };
  }

  /** Salts and costs of what is to be compared: one as a rule, and one for nobody. */
  #kinds(
    { holder }: Candidate,
    known: readonly { readonly kept: Argon2Hash }[],
  ): readonly Pick<Argon2Hash, 'salt' | 'cost'>[] {
    const kinds: Pick<Argon2Hash, 'salt' | 'cost'>[] = [];
    for (const { kept } of known) if (!kinds.some((kind) => isLike(kept, kind))) kinds.push(kept);
    const { crypto, lookup } = this.#services;
    return kinds.length > 0 ? kinds : [{ salt: saltOf(crypto, lookup.secret(), 'argon2id', holder), cost: ARGON2 }];
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const mine = this.#last.then(act);
    this.#last = mine.catch(() => {}); // told to whoever waits for it
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** The holder of a certificate by the name that passwords are kept under. */
function nameOf(holder: string): string {
  return prepareName(holder) ?? holder;
}

function isLike(kept: Argon2Hash, kind: Pick<Argon2Hash, 'salt' | 'cost'>): boolean {
  return (
    kept.cost.memory === kind.cost.memory &&
    kept.cost.passes === kind.cost.passes &&
    Buffer.compare(kept.salt, kind.salt) === 0
  );
}

function tooMany({ holder, passwords }: Candidate): AuthStep {
  const whom = passwords.length === 0 ? 'a name without a password here' : holder;
  return { kind: 'failure', status: 'auth-too-many', reason: '', detail: `too many wrong passwords; for ${whom}` };
}
