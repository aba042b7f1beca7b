/** What the root's key is needed for after the beginning: to renew the issuing certificate. */
import { sameBytes } from '../base/bytes.ts';
import { X509Certificate, type KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { encodeSigned } from '../protocol/pki/certificate-write.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { time } from '../protocol/pki/der-write.ts';
import { contextTag, DerReader, integer, sequence, tags } from '../protocol/pki/der.ts';
import { positiveSerial, refuseFindings } from './authority-local.ts';
import { keyIdOf, publicKeyOf, signerOf } from './keys.ts';
import { lintCertificate } from './lint.ts';
import { BACKDATE, wholeSeconds } from './setup.ts';

const DAY: Ms = 86_400_000;
/** As long as the first one. */
const ISSUING_LIFE: Ms = 3652 * DAY;

/** What cannot be renewed, and why. */
export class RenewalImpossible extends Error {
  override readonly name = 'RenewalImpossible';
}

/** Both certificates, DER, and the key of the root. */
export interface RootInHand {
  readonly root: Uint8Array;
  readonly issuing: Uint8Array;
  readonly rootKey: KeyObject;
}

/**
 * The issuing certificate anew: the same name, key and extensions, so that what was issued stays valid under it; only
 * serial number and time are others. Throws RenewalImpossible when the root is another or its key is, or when the root
 * itself ends so soon that nothing would be gained.
 */
export function renewIssuing({ root, issuing, rootKey }: RootInHand, random: Random, clock: Clock): Bytes {
  const [rootFacts, issuingFacts] = [read(root, 'root'), read(issuing, 'issuing')];
  checkRootKey(rootFacts, rootKey);
  if (
    !sameBytes(issuingFacts.issuer, rootFacts.subject) ||
    !new X509Certificate(issuing).verify(new X509Certificate(root).publicKey)
  )
    throw new RenewalImpossible('the issuing certificate was not issued by this root');
  const now = clock.now();
  const notBefore = Math.max(wholeSeconds(now - BACKDATE), rootFacts.notBefore);
  const notAfter = Math.min(wholeSeconds(now + ISSUING_LIFE), rootFacts.notAfter);
  if (notAfter - issuingFacts.notAfter < DAY)
    throw new RenewalImpossible(
      notAfter === rootFacts.notAfter
        ? 'the issuing certificate lasts as long as the root already; a new root is what is needed'
        : 'the issuing certificate was renewed less than a day ago',
    );
  const signer = signerOf(rootKey);
  const parts = partsOf(issuing);
  const toBeSigned = sequence(
    parts.version,
    integer(positiveSerial(random.bytes(16))),
    signer.algorithm,
    parts.issuer,
    sequence(time(notBefore), time(notAfter)),
    parts.subject,
    parts.publicKey,
    parts.extensions,
  );
  refuseFindings(
    lintCertificate(toBeSigned, 'issuing', {
      name: rootFacts.subject,
      publicKey: rootFacts.publicKey,
      keyId: rootFacts.subjectKeyId ?? keyIdOf(rootFacts.publicKey),
      notBefore: rootFacts.notBefore,
      notAfter: rootFacts.notAfter,
      constraints: undefined,
    }),
  );
  return encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned));
}

/** Throws RenewalImpossible when the key is not that of the certificate. */
function checkRootKey(root: Certificate, key: KeyObject): void {
  if (!sameBytes(root.publicKey, publicKeyOf(key)))
    throw new RenewalImpossible('the key is not that of the root certificate');
}

function read(der: Uint8Array, which: 'root' | 'issuing'): Certificate {
  const certificate = parseCertificate(der);
  if (certificate === undefined || !certificate.isCa)
    throw new RenewalImpossible(`the ${which} certificate is no CA certificate`);
  return certificate;
}

interface Parts {
  readonly version: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly extensions: Uint8Array;
}

/** The fields of a TBSCertificate as they stand, DER (RFC 5280 §4.1). */
function partsOf(certificate: Uint8Array): Parts {
  const fields = new DerReader(certificate).read(tags.sequence).read(tags.sequence);
  const version = fields.readWhole(contextTag(0));
  fields.readInteger();
  fields.readWhole(tags.sequence);
  const issuer = fields.readWhole(tags.sequence);
  fields.readWhole(tags.sequence);
  const subject = fields.readWhole(tags.sequence);
  const publicKey = fields.readWhole(tags.sequence);
  return { version, issuer, subject, publicKey, extensions: fields.readWhole(contextTag(3)) };
}
