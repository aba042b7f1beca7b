/** Writes certificates: names, extensions and the part to be signed (RFC 5280 §4.1, §4.2). Signs nothing. */
import { fromLatin1, type Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { contextTag, element, integer, oid, sequence, setOf } from './der.ts';
import { bitString, boolean, explicit, implicit, namedBits, nil, octetString, time, utf8String } from './der-write.ts';
import { encodeGeneralName, type GeneralName } from './general-name.ts';
import { encodeNameConstraints, type NameConstraints } from './name-constraint.ts';
import { oids } from './oid.ts';

export interface CertificateContent {
  /** Octets of the number, most significant first, not negative. */
  readonly serial: Uint8Array;
  /** AlgorithmIdentifier, DER, the same as in the signed whole (RFC 5280 §4.1.1.2). */
  readonly algorithm: Uint8Array;
  /** Name, DER. */
  readonly issuer: Uint8Array;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
  /** Name, DER: goes in byte for byte. */
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

/** TBSCertificate of version 3. */
export function encodeTbsCertificate(content: CertificateContent): Bytes {
  return sequence(
    explicit(0, integer(2)),
    integer(content.serial),
    content.algorithm,
    content.issuer,
    sequence(time(content.notBefore), time(content.notAfter)),
    content.subject,
    content.publicKey,
    explicit(3, sequence(...content.extensions)),
  );
}

/** The signed whole of a certificate, request or CRL: part to be signed, algorithm, signature. */
export function encodeSigned(toBeSigned: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Bytes {
  return sequence(toBeSigned, algorithm, bitString(signature));
}

/** A Name of one attribute per RDN, each a UTF8String (RFC 5280 §4.1.2.4), in the order given. */
export function encodeNameOf(attributes: readonly (readonly [type: string, value: string])[]): Bytes {
  return sequence(...attributes.map(([type, value]) => setOf(sequence(oid(type), utf8String(value)))));
}

function extension(type: string, critical: boolean, value: Uint8Array): Bytes {
  return critical ? sequence(oid(type), boolean(true), octetString(value)) : sequence(oid(type), octetString(value));
}

/** Of a CA: critical, with path length; of an end entity nothing is written, because FALSE is the default. */
export function caConstraints(pathLength: number | undefined): Bytes {
  const length = pathLength === undefined ? [] : [integer(pathLength)];
  return extension(oids.basicConstraints, true, sequence(boolean(true), ...length));
}

/** Bits of RFC 5280 §4.2.1.3. */
export const keyUsageBits = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const;

export function keyUsage(...uses: readonly (keyof typeof keyUsageBits)[]): Bytes {
  return extension(oids.keyUsage, true, namedBits(uses.map((use) => keyUsageBits[use])));
}

export function extKeyUsage(...purposes: readonly string[]): Bytes {
  return extension(oids.extKeyUsage, false, sequence(...purposes.map(oid)));
}

export function subjectKeyIdentifier(id: Uint8Array): Bytes {
  return extension(oids.subjectKeyIdentifier, false, octetString(id));
}

/** The identifier alone: issuer and serial are left out, as RFC 5280 §4.2.1.1 lets a CA with SKI do. */
export function authorityKeyIdentifier(id: Uint8Array): Bytes {
  return extension(oids.authorityKeyIdentifier, false, sequence(implicit(0, id)));
}

/** Critical when the subject is empty (RFC 5280 §4.2.1.6). */
export function subjectAltName(names: readonly GeneralName[], critical: boolean): Bytes {
  return extension(oids.subjectAltName, critical, sequence(...names.map(encodeGeneralName)));
}

/** Critical always (RFC 5280 §4.2.1.10). */
export function nameConstraints(constraints: NameConstraints): Bytes {
  return extension(oids.nameConstraints, true, encodeNameConstraints(constraints));
}

/** Where the responder and the issuer's certificate are (RFC 5280 §4.2.2.1). */
export function authorityInfoAccess(ocsp: readonly string[], issuer: readonly string[]): Bytes {
  const access = (method: string, url: string): Bytes => sequence(oid(method), implicit(6, fromLatin1(url)));
  return extension(
    oids.authorityInfoAccess,
    false,
    sequence(
      ...ocsp.map((url) => access(oids.ocspAccess, url)),
      ...issuer.map((url) => access(oids.caIssuersAccess, url)),
    ),
  );
}

/** Nothing tells the state of this certificate: it is over before that would matter (RFC 9608 §2). */
export function noRevocationAvailable(): Bytes {
  return extension(oids.noRevAvail, false, nil());
}

/** On a responder's certificate: nobody need ask whether it is revoked (RFC 6960 §4.2.2.2.1). */
export function ocspNoCheck(): Bytes {
  return extension(oids.ocspNoCheck, false, nil());
}

/** One distribution point with all addresses as its names (RFC 5280 §4.2.1.13). */
export function crlDistributionPoints(urls: readonly string[]): Bytes {
  const fullName = element(contextTag(0), ...urls.map((url) => implicit(6, fromLatin1(url))));
  return extension(oids.crlDistributionPoints, false, sequence(sequence(explicit(0, fullName))));
}

/** CRLNumber and others of a CRL are extensions of the same shape. */
export function crlNumber(number: number): Bytes {
  return extension(oids.crlNumber, false, integer(number));
}
