/**
 * Logging in at a hop that wants it (RFC 4954): which mechanism, and what each says. Passwords go in clear only within
 * TLS, unless the configuration names the mechanism. Before it: channel.ts, which carries the exchange.
 */
import { fromUtf8, utf8, type Bytes } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import type { LoginSettings } from './settings.ts';

/** Who we are at one hop. */
export interface Login {
  readonly user: string;
  /** Undefined: our certificate is the login. */
  readonly password: string | undefined;
  /** Undefined: the best that is offered. */
  readonly mechanisms: readonly string[] | undefined;
}

/** Where passwords are kept. A text says why the login that is wanted cannot be had; undefined: none is wanted. */
export interface Credentials {
  find(
    hop: { readonly host: string; readonly address: string },
    wanted: LoginSettings | undefined,
  ): Login | string | undefined;
}

/** What SCRAM-SHA-256 needs of cryptography. */
export interface LoginCrypto {
  /** PBKDF2-HMAC-SHA-256, 32 octets; off the event loop. */
  pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number): Promise<Bytes>;
  hmac(key: Uint8Array, data: Uint8Array): Bytes;
  sha256(data: Uint8Array): Bytes;
}

/** One exchange as the client. */
export interface ClientExchange {
  readonly mechanism: string;
  readonly initial: Uint8Array | undefined;
  /** The answer to a challenge; undefined: this is not how the mechanism goes. */
  respond(challenge: Uint8Array): Promise<Uint8Array | undefined>;
  /** Whether a success may be believed: the server has shown what it had to show. */
  readonly complete: boolean;
}

/** Which one is chosen when several are offered: those that give nothing away first. */
const PREFERENCE = ['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN'];
/** These show the password to whoever listens. */
const IN_CLEAR: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN']);

export interface Offer {
  /** The mechanisms that EHLO announced, as they stand there. */
  readonly announced: string;
  readonly secure: boolean;
  /** We have shown a certificate, or could. */
  readonly certified: boolean;
}

/** The exchange to begin; a text when there is no way. */
export function chooseExchange(
  login: Login,
  offer: Offer,
  deps: { readonly crypto: LoginCrypto; readonly random: Random },
): ClientExchange | string {
  const offered = new Set(offer.announced.toUpperCase().split(/\s+/));
  const wanted = login.mechanisms ?? PREFERENCE;
  const usable = wanted.filter((name) => {
    if (name === 'EXTERNAL') return offer.secure && offer.certified && login.password === undefined;
    if (login.password === undefined) return false;
    return offer.secure || login.mechanisms !== undefined || !IN_CLEAR.has(name);
  });
  const mechanism = usable.find((name) => offered.has(name));
  if (mechanism === undefined)
    return `the server offers ${offer.announced.trim() === '' ? 'no AUTH' : `AUTH ${offer.announced}`}${offer.secure ? '' : ' without TLS'}, and ${usable.length === 0 ? 'nothing' : `only ${usable.join(', ')}`} may be used`;
  const password = login.password ?? '';
  switch (mechanism) {
    case 'SCRAM-SHA-256':
      return new ScramExchange(login.user, password, deps);
    case 'LOGIN':
      return loginExchange(login.user, password);
    case 'PLAIN':
      // RFC 4616 §2
      return simpleExchange(mechanism, utf8(`\0${login.user}\0${password}`));
    default:
      // RFC 4422 appendix A: the identity that the certificate stands for, unless another is named.
      return simpleExchange(mechanism, utf8(login.user));
  }
}

/** One message, said at once; some servers ask for it once more. */
function simpleExchange(mechanism: string, message: Uint8Array): ClientExchange {
  let asked = 0;
  return {
    mechanism,
    initial: message,
    complete: true,
    respond: (challenge) => Promise.resolve(asked++ === 0 && challenge.length === 0 ? message : undefined),
  };
}

/** Name, then password; what the challenges say differs from server to server, and their order does not. */
function loginExchange(user: string, password: string): ClientExchange {
  const answers = [utf8(user), utf8(password)];
  return {
    mechanism: 'LOGIN',
    initial: undefined,
    complete: true,
    respond: () => Promise.resolve(answers.shift()),
  };
}

/** Iterations that a server may ask for: more would be work for us at its wish. RFC 7677 §4 says at least 4096. */
const FEWEST = 4_096;
const MOST = 1_000_000;

/** SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677). */
class ScramExchange implements ClientExchange {
  readonly mechanism = 'SCRAM-SHA-256';
  readonly initial: Uint8Array;
  complete = false;

  readonly #password: string;
  readonly #crypto: LoginCrypto;
  readonly #nonce: string;
  readonly #bare: string;
  /** What the server must show at last; undefined until it has asked for our proof. */
  #signature: Bytes | undefined;

  constructor(user: string, password: string, deps: { readonly crypto: LoginCrypto; readonly random: Random }) {
    this.#password = password;
    this.#crypto = deps.crypto;
    this.#nonce = Buffer.from(deps.random.bytes(18)).toString('base64');
    // RFC 5802 §5.1: a comma and an equals sign would end the name.
    this.#bare = `n=${user.normalize('NFKC').replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`;
    this.initial = utf8(`n,,${this.#bare}`);
  }

  async respond(challenge: Uint8Array): Promise<Uint8Array | undefined> {
    const text = fromUtf8(challenge);
    // Asked again after the end, somebody wants to be answered for ever.
    if (text === undefined || this.complete) return undefined;
    return this.#signature === undefined ? this.#prove(text) : this.#verify(text);
  }

  async #prove(serverFirst: string): Promise<Uint8Array | undefined> {
    const [, nonce = '', rawSalt = '', rawCount = ''] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,.*)?$/.exec(serverFirst) ?? [];
    const count = Number(rawCount);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce || count < FEWEST || count > MOST) return undefined;
    const crypto = this.#crypto;
    const salted = await crypto.pbkdf2(utf8(this.#password.normalize('NFKC')), Buffer.from(rawSalt, 'base64'), count);
    const clientKey = crypto.hmac(salted, utf8('Client Key'));
    const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${nonce}`;
    const message = utf8(`${this.#bare},${serverFirst},${withoutProof}`);
    const signature = crypto.hmac(crypto.sha256(clientKey), message);
    const proof = clientKey.map((octet, index) => octet ^ (signature[index] as number));
    this.#signature = crypto.hmac(crypto.hmac(salted, utf8('Server Key')), message);
    return utf8(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  #verify(serverFinal: string): Uint8Array | undefined {
    const shown = /^v=([A-Za-z0-9+/=]+)/.exec(serverFinal)?.[1];
    this.complete = shown === Buffer.from(this.#signature as Bytes).toString('base64');
    return this.complete ? new Uint8Array(0) : undefined;
  }
}
