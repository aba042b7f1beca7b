/**
 * Whether a certificate request is what it claims: well-formed, of an acceptable key, and signed by that key, so that
 * whoever asks holds the private key (RFC 2986 §3; RFC 4211 §4 on why that matters).
 */
import { constants, verify, type KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import { DerError, DerReader, contextTag, tags } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { readRequest, type CertificateRequest, type RequestedExtensions } from '../protocol/pki/request.ts';
import { acceptPublicKey, publicKeyOf } from './keys.ts';
import { RequestRefused } from './refusal.ts';

export interface ProvenRequest {
  /** DER of the Name as it stands in the request. */
  readonly subject: Uint8Array;
  readonly publicKey: Bytes;
  /** What it asks for in extensions and does not get, in words: names, a CA's powers, other purposes. */
  readonly ignored: readonly string[];
  readonly request: CertificateRequest;
}

interface Scheme {
  readonly keys: readonly string[];
  readonly hash: string | null;
  /** Of RSA-PSS. */
  readonly saltLength?: number;
}

const schemes: Readonly<Record<string, Scheme>> = {
  [oids.ecdsaWithSha256]: { keys: ['ec'], hash: 'sha256' },
  [oids.ecdsaWithSha384]: { keys: ['ec'], hash: 'sha384' },
  [oids.ecdsaWithSha512]: { keys: ['ec'], hash: 'sha512' },
  [oids.sha256WithRsa]: { keys: ['rsa'], hash: 'sha256' },
  [oids.sha384WithRsa]: { keys: ['rsa'], hash: 'sha384' },
  [oids.sha512WithRsa]: { keys: ['rsa'], hash: 'sha512' },
  [oids.ed25519]: { keys: ['ed25519'], hash: null },
  [oids.ed448]: { keys: ['ed448'], hash: null },
  [oids.mlDsa44]: { keys: ['ml-dsa-44'], hash: null },
  [oids.mlDsa65]: { keys: ['ml-dsa-65'], hash: null },
  [oids.mlDsa87]: { keys: ['ml-dsa-87'], hash: null },
};

const broken: Readonly<Record<string, readonly [name: string, section: string]>> = {
  [oids.md2WithRsa]: ['MD2', 'RFC 6149 §6'],
  [oids.md5WithRsa]: ['MD5', 'RFC 6151 §2'],
  [oids.sha1WithRsa]: ['SHA-1', 'RFC 6194 §3'],
  [oids.ecdsaWithSha1]: ['SHA-1', 'RFC 6194 §3'],
  [oids.dsaWithSha1]: ['SHA-1', 'RFC 6194 §3'],
};

/** Checks a request, DER. Throws `RequestRefused`. */
export function proveRequest(der: Uint8Array): ProvenRequest {
  const reading = readRequest(der);
  if (reading.kind === 'bad') throw new RequestRefused(reading.why, 'RFC 2986 §4');
  const { request } = reading;
  const weak = broken[request.algorithm];
  if (weak !== undefined)
    throw new RequestRefused(
      `the request is signed with ${weak[0]}, which is broken; sign it with SHA-256 or better`,
      weak[1],
    );
  const scheme = schemeOf(request);
  if (scheme === undefined)
    throw new RequestRefused(
      `the request is signed with algorithm ${request.algorithm}, which is not known here`,
      'RFC 2986 §4.2',
    );
  const key = acceptPublicKey(request.publicKey);
  if (!scheme.keys.includes(key.asymmetricKeyType ?? ''))
    throw new RequestRefused('the signature algorithm of the request does not fit its key', 'RFC 2986 §4.2');
  if (!signedBy(key, scheme, request.signed, request.signature)) {
    throw new RequestRefused('the request is not signed by the key it asks to certify', 'RFC 2986 §3');
  }
  return { subject: request.subject, publicKey: publicKeyOf(key), ignored: ignoredOf(request.requested), request };
}

/** How a request is signed; RSA-PSS says it in its parameters (RFC 4055 §3.1). */
function schemeOf({ algorithm, parameters }: CertificateRequest): Scheme | undefined {
  if (algorithm !== oids.rsaPss) return Object.hasOwn(schemes, algorithm) ? schemes[algorithm] : undefined;
  const pss = readPss(parameters);
  return pss && { keys: ['rsa', 'rsa-pss'], ...pss };
}

const pssHashes: Readonly<Record<string, string>> = {
  [oids.sha256]: 'sha256',
  [oids.sha384]: 'sha384',
  [oids.sha512]: 'sha512',
};

/**
 * RSASSA-PSS-params with SHA-2 in hash and mask, which must be the same; anything else, the default of SHA-1 too, is
 * undefined.
 */
function readPss(
  parameters: Uint8Array | undefined,
): { readonly hash: string; readonly saltLength: number } | undefined {
  if (parameters === undefined) return undefined;
  try {
    const fields = new DerReader(parameters).read(tags.sequence);
    const digest = fields.optional(contextTag(0))?.read(tags.sequence).readOid();
    const mask = fields.optional(contextTag(1))?.read(tags.sequence);
    if (mask?.readOid() !== oids.mgf1 || mask.read(tags.sequence).readOid() !== digest || digest === undefined)
      return undefined;
    const saltLength = fields.optional(contextTag(2))?.readSmallInteger() ?? 20;
    const trailer = fields.optional(contextTag(3))?.readSmallInteger() ?? 1;
    fields.end();
    const name = Object.hasOwn(pssHashes, digest) ? pssHashes[digest] : undefined;
    return name === undefined || trailer !== 1 || saltLength > 512 ? undefined : { hash: name, saltLength };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function signedBy(key: KeyObject, scheme: Scheme, signed: Uint8Array, signature: Uint8Array): boolean {
  const padding =
    scheme.saltLength === undefined
      ? { padding: constants.RSA_PKCS1_PADDING }
      : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength };
  try {
    return verify(scheme.hash, signed, key.asymmetricKeyType?.startsWith('rsa') ? { key, ...padding } : key, signature);
  } catch {
    // A key of RSASSA-PSS may have its own hash and salt, and OpenSSL throws when the signature has others.
    return false;
  }
}

/** What a request asks for that only a profile gives. Said to whoever asked, so that nobody believes to have it. */
function ignoredOf({ isCa, purposes, names, types }: RequestedExtensions): string[] {
  const other = types.filter((type) => !said.has(type));
  return [
    ...(isCa ? ['to be a CA (CA:TRUE)'] : []),
    ...purposes.map((purpose) => `the extended key usage ${purposeNames[purpose] ?? purpose}`),
    ...names.map(({ kind, text }) => `the alternative name ${kind}:${text}`),
    ...other.map((type) => `the extension ${type}`),
  ];
}

const purposeNames: Readonly<Record<string, string>> = {
  [oids.serverAuth]: 'serverAuth',
  [oids.clientAuth]: 'clientAuth',
  [oids.ocspSigning]: 'OCSPSigning',
};
/** Said in words of their own, or what every certificate has anyway. */
const said: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.extKeyUsage,
  oids.subjectAltName,
  oids.keyUsage,
  oids.subjectKeyIdentifier,
]);
