/**
 * What the signer does with calls: opens the authority's files, takes a passphrase, looks at requests and signs. It has
 * a clock of its own, because a relay that was taken over would lie about the time too.
 */
import type { KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { localDoor } from '../ca/authority-local.ts';
import type { AuthorityTerms, CrlRequest, IssueRequest, KeyState, SigningDoor } from '../ca/authority.ts';
import { KeyFault, openKey } from '../ca/encrypted-key.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { AuthorityUnavailable } from '../ca/unavailable.ts';
import type { SignerAnswer, SignerCall } from './signer-frame.ts';
import { loadCertificates, loadIssuingKey } from './signer-keys.ts';
import { makeSeal, type Seal } from './signer-seal.ts';

const DAY: Ms = 86_400_000;
/** How far the caller's clock may be ahead. A certificate for later would be one for when nobody looks any more. */
const AHEAD: Ms = DAY;
/** A CRL that is good for longer would hide what is revoked after it. */
const LONGEST_CRL: Ms = 100 * DAY;
/** Wrong passphrases that one process takes. */
const TRIES = 5;

export class SignerDesk {
  readonly #directory: string;
  readonly #now: () => Ms;
  readonly #seal: Seal = makeSeal();
  readonly #passphrase: (() => Buffer | undefined) | undefined;
  #terms: AuthorityTerms | undefined;
  #door: SigningDoor | undefined;
  /** The key's file while it is locked. */
  #locked: Bytes | undefined;
  /** The key when a passphrase opened it: the file alone would not give it again. */
  #unlocked: KeyObject | undefined;
  #wrong = 0;

  /** `passphrase`: where the signer has one of its own; undefined: it waits for one. */
  constructor(directory: string, now: () => Ms, passphrase?: () => Buffer | undefined) {
    this.#directory = directory;
    this.#now = now;
    this.#passphrase = passphrase;
  }

  async answer(call: SignerCall): Promise<SignerAnswer> {
    switch (call.kind) {
      case 'open':
        if (this.#terms !== undefined) throw new Error('the signer is open already');
        this.#open(call.terms);
        return { kind: 'opened', state: this.#state(), sealTo: this.#seal.publicKey };
      case 'unlock':
        this.#unlock(this.#seal.open(call.sealed));
        return { kind: 'state', number: call.number, state: this.#state() };
      case 'reload':
        this.#reload(call.terms);
        return { kind: 'state', number: call.number, state: this.#state() };
      case 'issue':
        this.#checkBegin(call.request);
        return { kind: 'issued', number: call.number, issued: await this.#signing().issue(call.request) };
      default: // 'crl'
        this.#checkCrl(call.request);
        return { kind: 'crl', number: call.number, signed: await this.#signing().signCrl(call.request) };
    }
  }

  #open(terms: AuthorityTerms): void {
    this.#reload(terms);
    if (this.#locked === undefined) return;
    const passphrase = this.#passphrase?.();
    if (passphrase !== undefined) this.#unlock(passphrase);
  }

  #state(): KeyState {
    if (this.#door === undefined) return 'locked';
    return this.#unlocked === undefined ? 'open' : 'protected';
  }

  #reload(terms: AuthorityTerms): void {
    this.#terms = terms;
    const key = this.#unlocked ?? loadIssuingKey(this.#directory);
    if ('locked' in key) {
      this.#locked = key.locked;
      this.#door = undefined;
      loadCertificates(this.#directory); // what is wrong with them is told now and not when the passphrase comes
      return;
    }
    this.#door = localDoor({ ...loadCertificates(this.#directory), issuingKey: key, terms });
    this.#locked = undefined;
  }

  #unlock(passphrase: Buffer | undefined): void {
    if (this.#terms === undefined) throw new Error('the signer was asked before it was opened');
    if (this.#locked === undefined) return;
    if (this.#wrong >= TRIES)
      throw new AuthorityUnavailable(`${TRIES} wrong passphrases; the signer takes no more`, { locked: true });
    if (passphrase === undefined)
      throw new AuthorityUnavailable('the passphrase was meant for a signer that has ended; give it again', {
        locked: true,
      });
    try {
      const key = openKey(this.#locked, passphrase);
      this.#door = localDoor({ ...loadCertificates(this.#directory), issuingKey: key, terms: this.#terms });
      this.#unlocked = key;
      this.#locked = undefined;
    } catch (error) {
      if (!(error instanceof KeyFault)) throw error;
      this.#wrong++;
      throw new AuthorityUnavailable(error.message, { locked: true, cause: error });
    } finally {
      passphrase.fill(0);
    }
  }

  #signing(): SigningDoor {
    if (this.#door !== undefined) return this.#door;
    if (this.#terms === undefined) throw new Error('the signer was asked before it was opened');
    throw new AuthorityUnavailable('the issuing key is locked', { locked: true });
  }

  #checkBegin({ notBefore }: IssueRequest): void {
    if (notBefore > this.#now() + AHEAD)
      throw new RequestRefused("the certificate begins more than a day after the signer's time", 'RFC 5280 §4.1.2.5');
  }

  #checkCrl({ thisUpdate, nextUpdate }: CrlRequest): void {
    if (thisUpdate > this.#now() + AHEAD)
      throw new RequestRefused("thisUpdate is more than a day after the signer's time", 'RFC 5280 §5.1.2.4');
    if (nextUpdate - thisUpdate > LONGEST_CRL)
      throw new RequestRefused(`the CRL is for more than ${LONGEST_CRL / DAY} days`, 'RFC 5280 §5.1.2.5');
  }
}
