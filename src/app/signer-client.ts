/**
 * The near side of the door, one for the whole process: begins a signer when something is to be signed, and ends it when
 * idle. A signer that was given a passphrase stays, because it would have to be given it again.
 */
import type { KeyCustody } from '../admin/context.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import {
  usualTerms,
  type AuthorityTerms,
  type CrlRequest,
  type IssuedCertificate,
  type IssueRequest,
  type KeyState,
  type SignedCrl,
  type SigningDoor,
} from '../ca/authority.ts';
import { AuthorityUnavailable } from '../ca/unavailable.ts';
import type { SignerAnswer, SignerCall } from './signer-frame.ts';
import { connectSigner, spawnSigner } from './signer-link.ts';
import { sealTo } from './signer-seal.ts';
import { SignerSession } from './signer-session.ts';

export interface DoorOptions {
  /** Asked at each start of a signer. */
  readonly terms?: () => AuthorityTerms;
  /** Path of a socket behind which a signer is; undefined: a child process. */
  readonly socket?: string | undefined;
  /** How long the process may stay without work. */
  readonly idle?: Ms;
  /** Told the process id at each start of a child, for tests and the log. */
  readonly onStart?: (pid: number) => void;
  /**
   * Where a passphrase comes from when the key is locked; undefined: from nowhere. Asked again after a wrong one, as
   * often as it gives another. The octets are wiped after use.
   */
  readonly passphrase?: (wrongBefore: number) => Promise<Buffer | undefined>;
}

const IDLE: Ms = 10_000;

export class SharedDoor implements SigningDoor, KeyCustody {
  readonly #directory: string;
  readonly #options: DoorOptions;
  readonly #terms: () => AuthorityTerms;
  #session: SignerSession | undefined;
  /** The one opening under way, so that a burst of requests asks for one passphrase and starts one signer. */
  #opening: Promise<SignerSession> | undefined;
  #unlocking: Promise<void> | undefined;
  #known: KeyState | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(directory: string, options: DoorOptions = {}) {
    this.#directory = directory;
    this.#options = options;
    this.#terms = options.terms ?? (() => usualTerms);
  }

  /**
   * Begins the signer when it does not run, so that a missing, unfit, unprotected or locked key is told here. Rejects
   * with an AuthorityUnavailable that says what to do.
   */
  async open(): Promise<void> {
    const session = await this.#ready();
    this.#rest();
    if (session.state === 'locked') throw lockedError();
  }

  async issue(request: IssueRequest): Promise<IssuedCertificate> {
    const answer = await this.#ask((number) => ({ kind: 'issue', number, request }));
    if (answer.kind !== 'issued')
      throw new Error(`the signer answered "${answer.kind}" to a request for a certificate`);
    return answer.issued;
  }

  async signCrl(request: CrlRequest): Promise<SignedCrl> {
    const answer = await this.#ask((number) => ({ kind: 'crl', number, request }));
    if (answer.kind !== 'crl') throw new Error(`the signer answered "${answer.kind}" to a request for a CRL`);
    return answer.signed;
  }

  /** As it was last seen; undefined: not seen yet. */
  known(): KeyState | undefined {
    return this.#running()?.state ?? this.#known;
  }

  /** Asks the signer, and says what a passphrase for it is sealed to. */
  async state(): Promise<{ readonly state: KeyState; readonly sealTo: Bytes }> {
    const { state, sealTo: key } = await this.#opened();
    this.#rest();
    return { state, sealTo: key };
  }

  async unlock(sealed: Uint8Array): Promise<KeyState> {
    const session = await this.#opened();
    try {
      await session.ask((number) => ({ kind: 'unlock', number, sealed }));
      this.#known = session.state;
      return session.state;
    } finally {
      this.#rest();
    }
  }

  /** Ends the signer, which forgets what it was given. */
  relock(): void {
    clearTimeout(this.#timer);
    this.#session?.end();
    this.#session = undefined;
    this.#known = undefined;
  }

  /** The authority's files, or the terms, are others than they were. */
  async reload(): Promise<void> {
    const session = this.#running();
    this.#known = undefined;
    if (session === undefined) return;
    try {
      await session.ask((number) => ({ kind: 'reload', number, terms: this.#terms() }));
    } catch (error) {
      // Whoever asks next is told what is wrong with the files. A key that a passphrase opened would not come back.
      if (session.state !== 'protected') this.relock();
      throw error;
    } finally {
      this.#rest();
    }
  }

  close(): void {
    this.#closed = true;
    this.relock();
  }

  async #ask(call: (number: number) => SignerCall): Promise<SignerAnswer> {
    const session = await this.#ready();
    if (session.state === 'locked') {
      this.#rest();
      throw lockedError();
    }
    clearTimeout(this.#timer);
    try {
      return await session.ask(call);
    } finally {
      this.#rest();
    }
  }

  #running(): SignerSession | undefined {
    return this.#session?.ended === false ? this.#session : undefined;
  }

  async #opened(): Promise<SignerSession> {
    if (this.#closed) throw new Error('the door to the issuing key is closed');
    const running = this.#running();
    if (running !== undefined && this.#opening === undefined) {
      clearTimeout(this.#timer);
      return running;
    }
    this.#opening ??= this.#begin().finally(() => (this.#opening = undefined));
    return await this.#opening;
  }

  /** The same, unlocked with the passphrase that is at hand, if any. */
  async #ready(): Promise<SignerSession> {
    const session = await this.#opened();
    if (session.state === 'locked') {
      this.#unlocking ??= this.#unlockAtOnce(session).finally(() => (this.#unlocking = undefined));
      await this.#unlocking;
    }
    return session;
  }

  async #begin(): Promise<SignerSession> {
    const { socket, onStart } = this.#options;
    const session = new SignerSession(
      (listener) => (socket === undefined ? spawnSigner(this.#directory, listener) : connectSigner(socket, listener)),
      this.#terms(),
    );
    this.#session = session;
    if (session.pid !== undefined) onStart?.(session.pid);
    await session.opened;
    this.#known = session.state;
    return session;
  }

  /** Asks for passphrases until one opens the key, or there is no more. */
  async #unlockAtOnce(session: SignerSession): Promise<void> {
    let before: unknown;
    for (let wrong = 0; ; wrong++) {
      const passphrase = await this.#options.passphrase?.(wrong);
      if (passphrase === undefined && before !== undefined) throw before;
      if (passphrase === undefined) return;
      const sealed = sealTo(session.sealTo, passphrase);
      passphrase.fill(0);
      try {
        await session.ask((number) => ({ kind: 'unlock', number, sealed }));
        this.#known = session.state;
        return;
      } catch (error) {
        if (!(error instanceof AuthorityUnavailable && error.locked) || session.ended) throw error;
        before = error;
      }
    }
  }

  /** Ends the process after a while, unless work is under way or it holds what it would have to be given again. */
  #rest(): void {
    clearTimeout(this.#timer);
    const session = this.#running();
    if (this.#closed || session === undefined || session.busy || session.state === 'protected') return;
    this.#timer = setTimeout(() => {
      if (!session.busy) session.end();
    }, this.#options.idle ?? IDLE);
    this.#timer.unref();
  }
}

function lockedError(): AuthorityUnavailable {
  return new AuthorityUnavailable('the issuing key is locked with a passphrase', {
    hint: 'unlock it for the running relay: sealpost ca unlock',
    locked: true,
  });
}
