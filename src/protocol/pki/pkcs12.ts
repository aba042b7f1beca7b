/**
 * Writes the structures of PKCS#12 (RFC 7292), with password-based encryption by PBES2 (RFC 8018) or by the old way of
 * RFC 7292 §C. What is encrypted, and the MAC, come from the caller: nothing is computed here.
 */
import type { Bytes } from '../../base/bytes.ts';
import { contextPrimitiveTag, element, integer, oid, sequence, setOf } from './der.ts';
import { bmpString, explicit, nil, octetString } from './der-write.ts';
import { oids } from './oid.ts';

/** How something was encrypted: key by PBKDF2 with HMAC-SHA-256, then AES-256-CBC. */
export interface PasswordEncryption {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** 16 octets. */
  readonly iv: Uint8Array;
}

/** AlgorithmIdentifier of PBES2 (RFC 8018 §A.4). The key length is left out: AES-256 has one. */
export function pbes2Algorithm({ salt, iterations, iv }: PasswordEncryption): Bytes {
  const derivation = sequence(
    oid(oids.pbkdf2),
    sequence(octetString(salt), integer(iterations), sequence(oid(oids.hmacWithSha256), nil())),
  );
  return sequence(oid(oids.pbes2), sequence(derivation, sequence(oid(oids.aes256Cbc), octetString(iv))));
}

/** AlgorithmIdentifier of pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 §C): key and IV come of salt and iterations. */
export function tripleDesAlgorithm({ salt, iterations }: Omit<PasswordEncryption, 'iv'>): Bytes {
  return sequence(oid(oids.pbeWithSha1And3Des), sequence(octetString(salt), integer(iterations)));
}

/** Attributes of a bag, all optional. */
export interface BagMarks {
  /** The name people see. */
  readonly friendlyName?: string | undefined;
  /** What pairs a key with its certificate. */
  readonly localKeyId?: Uint8Array | undefined;
  /** The store that Windows is to put the key in. */
  readonly keyProvider?: string | undefined;
}

/** A certificate in a SafeBag (RFC 7292 §4.2.3). */
export function certificateBag(certificate: Uint8Array, marks: BagMarks): Bytes {
  return bag(oids.certBag, sequence(oid(oids.x509Certificate), explicit(0, octetString(certificate))), marks);
}

/** A PKCS#8 key, encrypted, in a SafeBag (RFC 7292 §4.2.2). */
export function shroudedKeyBag(algorithm: Uint8Array, encrypted: Uint8Array, marks: BagMarks): Bytes {
  return bag(oids.shroudedKeyBag, sequence(algorithm, octetString(encrypted)), marks);
}

function bag(type: string, value: Uint8Array, marks: BagMarks): Bytes {
  const attributes: Uint8Array[] = [];
  if (marks.friendlyName !== undefined) attributes.push(attribute(oids.friendlyName, bmpString(marks.friendlyName)));
  if (marks.localKeyId !== undefined) attributes.push(attribute(oids.localKeyId, octetString(marks.localKeyId)));
  if (marks.keyProvider !== undefined) attributes.push(attribute(oids.microsoftCspName, bmpString(marks.keyProvider)));
  return sequence(oid(type), explicit(0, value), ...(attributes.length === 0 ? [] : [setOf(...attributes)]));
}

function attribute(type: string, value: Uint8Array): Bytes {
  return sequence(oid(type), setOf(value));
}

/** SafeContents: bags one after the other. */
export function safeContents(bags: readonly Uint8Array[]): Bytes {
  return sequence(...bags);
}

/** SafeContents in clear, as ContentInfo of type data. */
export function dataContent(content: Uint8Array): Bytes {
  return sequence(oid(oids.data), explicit(0, octetString(content)));
}

/** SafeContents that were encrypted, as ContentInfo of type encryptedData (RFC 5652 §8). */
export function encryptedContent(algorithm: Uint8Array, encrypted: Uint8Array): Bytes {
  const info = sequence(oid(oids.data), algorithm, element(contextPrimitiveTag(0), encrypted));
  return sequence(oid(oids.encryptedData), explicit(0, sequence(integer(0), info)));
}

/** AuthenticatedSafe: what the MAC is computed over. */
export function authenticatedSafe(contents: readonly Uint8Array[]): Bytes {
  return sequence(...contents);
}

/** The MAC over the AuthenticatedSafe: HMAC, with a key derived from the passphrase (RFC 7292 §4, §B). */
export interface PfxMac {
  readonly digest: 'sha1' | 'sha256';
  readonly value: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** The whole file (RFC 7292 §4). */
export function pfx(safe: Uint8Array, mac: PfxMac): Bytes {
  const digest = sequence(sequence(oid(oids[mac.digest]), nil()), octetString(mac.value));
  return sequence(integer(3), dataContent(safe), sequence(digest, octetString(mac.salt), integer(mac.iterations)));
}
