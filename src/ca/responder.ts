/**
 * The OCSP responder (RFC 6960, RFC 5019): tells strangers whether a certificate of the issuing CA is good. It has a key
 * of its own with a certificate of the CA for just this (§4.2.2.2), so that the issuing key stays behind its door.
 *
 * Answers without a nonce are signed once and kept; `forget` drops them when the ledger changed. What has to be signed
 * for each asker (nonces, several certificates at once, serial numbers that are nobody's) has a bound of its own, so that
 * it starves neither the rest nor the mail.
 */
import { createHash, type KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import type { Clock, Ms } from '../base/clock.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { nil, octetString } from '../protocol/pki/der-write.ts';
import { integer, oid, sequence } from '../protocol/pki/der.ts';
import { readOcspRequest, type CertId } from '../protocol/pki/ocsp.ts';
import {
  encodeOcspError,
  encodeOcspResponse,
  encodeResponseData,
  type CertStatus,
  type ocspErrors,
  type SingleResponse,
} from '../protocol/pki/ocsp-write.ts';
import { oids } from '../protocol/pki/oid.ts';
import { readPublicKeyKind } from '../protocol/pki/request.ts';
import { signerOf, type Signer } from './keys.ts';
import type { RevocationReason } from './ledger.ts';
import { reasonCodes } from './reason.ts';

/** What is known of a serial number of the issuing CA; undefined: nothing. */
export type Standing =
  | { readonly state: 'good' }
  | { readonly state: 'revoked'; readonly at: Ms; readonly reason: RevocationReason | 'certificateHold' };

export interface ResponderParts {
  readonly clock: Clock;
  /** The issuing CA's certificate, DER. */
  readonly issuing: Uint8Array;
  /** The delegated certificate, DER, and its key. */
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
  standing(serial: string): Standing | undefined;
}

export interface OcspAnswer {
  /** An OCSPResponse, DER. */
  readonly der: Bytes;
  /** For an answer that others may keep: since when and until when; undefined: only for who asked. */
  readonly kept: { readonly tag: string; readonly since: Ms; readonly until: Ms } | undefined;
}

/** Until when a client may go by an answer: whoever cannot reach us is told nothing newer for so long. */
export const ANSWER_LIFE: Ms = 24 * 3_600_000;
/** An answer is signed anew after this, so that it is never older when it is given. */
const SIGN_AGAIN: Ms = 3_600_000;
/** Answers begin a little earlier than they are signed, for clients whose clock is slow. */
const BACKDATE: Ms = 300_000;
/** Answers that are kept; each has about a kilobyte. */
const MOST_KEPT = 20_000;
/** Answers for one asker alone, a second: each costs a signature. */
const SIGNED_BY_SECOND = 1_000;

interface Kept {
  readonly answer: OcspAnswer;
  readonly until: Ms;
}

export class Responder {
  readonly #parts: ResponderParts;
  readonly #signer: Signer;
  readonly #keyHash: Bytes;
  readonly #ends: Ms;
  readonly #issuer: ReadonlyMap<string, { readonly name: Buffer; readonly key: Buffer }>;
  readonly #kept = new Map<string, Kept>();
  #budget = SIGNED_BY_SECOND;
  #budgetAt: Ms;

  /** Throws when a certificate cannot be read. */
  constructor(parts: ResponderParts) {
    const issuing = certificateOf(parts.issuing, 'the issuing certificate');
    const own = certificateOf(parts.certificate, "the responder's certificate");
    this.#parts = parts;
    this.#signer = signerOf(parts.key);
    this.#keyHash = new Uint8Array(createHash('sha1').update(keyBits(own)).digest());
    this.#ends = own.notAfter;
    this.#budgetAt = parts.clock.now();
    this.#issuer = new Map(
      [[oids.sha1, 'sha1'] as const, [oids.sha256, 'sha256'] as const].map(([algorithm, hash]) => [
        algorithm,
        {
          name: createHash(hash).update(issuing.subject).digest(),
          key: createHash(hash).update(keyBits(issuing)).digest(),
        },
      ]),
    );
  }

  /** When its certificate ends, and with it this responder. */
  get ends(): Ms {
    return this.#ends;
  }

  /** The answer to a request that somebody sent. Never throws for what is in it. */
  answer(der: Uint8Array): OcspAnswer {
    const request = readOcspRequest(der);
    if (request === undefined) return failure('malformedRequest');
    const { certIds, nonce } = request;
    // RFC 6960 §2.3: not authoritative for any that is asked about. Which other CAs there are is not ours to know.
    if (!certIds.some((certId) => this.#isOurs(certId))) return failure('unauthorized');
    const [only, ...more] = certIds;
    if (only !== undefined && more.length === 0 && nonce === undefined) return this.#single(only);
    if (!this.#spend()) return failure('tryLater');
    return { der: this.#sign(certIds, nonce), kept: undefined };
  }

  /** The answer about one of our certificates, for its own server to staple; undefined: not ours, or not good. */
  staple(certificate: Uint8Array): Bytes | undefined {
    const parsed = parseCertificate(certificate);
    const issuer = this.#issuer.get(oids.sha1);
    if (parsed === undefined || issuer === undefined) return undefined;
    // SHA-1 here names, and protects nothing: it is the one hash that every client knows (RFC 5019 §2.1.1).
    const der = sequence(
      sequence(oid(oids.sha1), nil()),
      octetString(issuer.name),
      octetString(issuer.key),
      integer(Buffer.from(parsed.serial, 'hex')),
    );
    const standing = this.#parts.standing(parsed.serial);
    if (standing?.state !== 'good') return undefined;
    return this.#single({
      der,
      algorithm: oids.sha1,
      hasParameters: true,
      issuerNameHash: issuer.name,
      issuerKeyHash: issuer.key,
      serial: parsed.serial,
    }).der;
  }

  /** Drops what is kept about these serial numbers; undefined: about all. */
  forget(serials?: readonly string[]): void {
    if (serials === undefined || serials.length > 1_000) {
      this.#kept.clear();
      return;
    }
    for (const serial of serials) for (const form of FORMS) this.#kept.delete(form + serial);
  }

  #isOurs({ algorithm, issuerNameHash, issuerKeyHash }: CertId): boolean {
    const issuer = this.#issuer.get(algorithm);
    return issuer !== undefined && issuer.name.equals(issuerNameHash) && issuer.key.equals(issuerKeyHash);
  }

  #single(certId: CertId): OcspAnswer {
    const key = formOf(certId) + certId.serial;
    const kept = this.#kept.get(key);
    const now = this.#parts.clock.now();
    if (kept !== undefined && now < kept.until) return kept.answer;
    this.#kept.delete(key);
    const isKnown = this.#parts.standing(certId.serial) !== undefined;
    // Serial numbers that are nobody's are without end, and would push out those that are.
    if (!isKnown)
      return this.#spend() ? { der: this.#sign([certId], undefined), kept: undefined } : failure('tryLater');
    return this.#keep(key, certId, now);
  }

  #keep(key: string, certId: CertId, now: Ms): OcspAnswer {
    const der = this.#sign([certId], undefined);
    const until = Math.min(now + SIGN_AGAIN, this.#ends);
    const tag = createHash('sha256').update(der).digest('base64url').slice(0, 22);
    const answer = { der, kept: { tag, since: now, until } };
    if (this.#kept.size >= MOST_KEPT) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(key, { answer, until });
    return answer;
  }

  #sign(certIds: readonly CertId[], nonce: Uint8Array | undefined): Bytes {
    const now = this.#parts.clock.now();
    const nextUpdate = Math.min(now + ANSWER_LIFE, this.#ends);
    const responses = certIds.map((certId): SingleResponse => {
      const status = this.#isOurs(certId) ? this.#statusOf(certId.serial) : ({ kind: 'unknown' } as const);
      // An answer does not begin before what it tells.
      const thisUpdate =
        status.kind === 'revoked' ? Math.max(now - BACKDATE, Math.min(status.at, now)) : now - BACKDATE;
      return { certId: certId.der, status, thisUpdate, nextUpdate };
    });
    const data = encodeResponseData({ responderKeyHash: this.#keyHash, producedAt: now, responses, nonce });
    return encodeOcspResponse(data, this.#signer.algorithm, this.#signer.sign(data), [this.#parts.certificate]);
  }

  /**
   * A serial number that the ledger does not know is `unknown`, and not `revoked` as RFC 6960 §2.2 would allow: after a
   * ledger is restored from an older backup there are certificates that it does not know, and a signed answer that one of
   * them is revoked would be kept by clients after the ledger is whole again.
   */
  #statusOf(serial: string): CertStatus {
    const standing = this.#parts.standing(serial);
    if (standing === undefined) return { kind: 'unknown' };
    if (standing.state === 'good') return { kind: 'good' };
    return { kind: 'revoked', at: standing.at, reason: reasonCodes[standing.reason] };
  }

  /** Whether there is room for one more signature in this second. */
  #spend(): boolean {
    const now = this.#parts.clock.now();
    const earned = (Math.max(0, now - this.#budgetAt) * SIGNED_BY_SECOND) / 1_000;
    this.#budget = Math.min(SIGNED_BY_SECOND, this.#budget + earned);
    this.#budgetAt = now;
    if (this.#budget < 1) return false;
    this.#budget -= 1;
    return true;
  }
}

/** An answer repeats the CertID as it came: what differs between those of one certificate. */
function formOf({ algorithm, hasParameters }: Pick<CertId, 'algorithm' | 'hasParameters'>): string {
  return `${algorithm}${hasParameters ? '/' : '-'}`;
}

const FORMS: readonly string[] = [oids.sha1, oids.sha256].flatMap((algorithm) =>
  [true, false].map((hasParameters) => formOf({ algorithm, hasParameters })),
);

function certificateOf(der: Uint8Array, what: string): Certificate {
  const certificate = parseCertificate(der);
  if (certificate === undefined) throw new Error(`${what} cannot be read`);
  return certificate;
}

/** The octets of subjectPublicKey, without tag, length and unused bits: what key hashes are over. */
function keyBits({ publicKey }: Certificate): Uint8Array {
  const kind = readPublicKeyKind(publicKey);
  if (kind === undefined) throw new Error('a public key cannot be read');
  return kind.bits;
}

function failure(error: keyof typeof ocspErrors): OcspAnswer {
  return { der: encodeOcspError(error), kept: undefined };
}
