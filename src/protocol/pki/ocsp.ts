/** Reads OCSP requests (RFC 6960 §4.1, RFC 5019 §2.1), which come from strangers: bounded, and never a throw. */
import { contextTag, DerError, DerReader, tags } from './der.ts';
import { readExtension } from './extension.ts';
import { serialText } from './certificate.ts';
import { oids } from './oid.ts';

/** Which certificate is asked about. The arrays are views into the DER that was parsed. */
export interface CertId {
  /** The whole of it, DER: goes into the response as it came. */
  readonly der: Uint8Array;
  /** Of the hash, dotted. */
  readonly algorithm: string;
  /** Whether its parameters are NULL; else they are absent. Both are seen. */
  readonly hasParameters: boolean;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** As the ledger has it. */
  readonly serial: string;
}

export interface OcspRequest {
  /** At least one. */
  readonly certIds: readonly CertId[];
  /** 1 to 128 octets (RFC 9654 §2.1). */
  readonly nonce: Uint8Array | undefined;
}

/** Octets; a request for one certificate has about 80, and 255 at most in the form of RFC 5019 §5. */
export const MAX_OCSP_REQUEST = 4_096;
/** Each one costs a signature or a look-up. */
const MAX_CERT_IDS = 16;
const MAX_NONCE = 128;

/** Extensions that may be critical, because we do what they ask or they ask nothing of the responder. */
const understood: ReadonlySet<string> = new Set([oids.ocspNonce, oids.ocspAcceptableResponses]);

/** The request, or undefined when `der` is none that can be answered: `malformedRequest`. */
export function readOcspRequest(der: Uint8Array): OcspRequest | undefined {
  if (der.length > MAX_OCSP_REQUEST) return undefined;
  try {
    return readRequest(new DerReader(der));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function readRequest(outer: DerReader): OcspRequest {
  const request = outer.read(tags.sequence);
  outer.end();
  const body = request.read(tags.sequence);
  // RFC 6960 §4.1.2: a signature is optional, and nothing that we tell depends on who asks.
  request.optional(contextTag(0));
  request.end();
  const version = body.optional(contextTag(0));
  if (version !== undefined && version.readSmallInteger() !== 0) throw new DerError('unknown version', version.offset);
  body.optional(contextTag(1)); // requestorName
  const list = body.read(tags.sequence);
  const certIds: CertId[] = [];
  while (!list.done) {
    if (certIds.length === MAX_CERT_IDS) throw new DerError('too many certificates', list.offset);
    certIds.push(readSingle(list.read(tags.sequence)));
  }
  if (certIds.length === 0) throw new DerError('no certificate', list.offset);
  const extensions = readExtensions(body.optional(contextTag(2)));
  body.end();
  return { certIds, nonce: readNonce(extensions.get(oids.ocspNonce)) };
}

function readSingle(single: DerReader): CertId {
  const der = single.readWhole(tags.sequence);
  readExtensions(single.optional(contextTag(0)));
  single.end();
  const id = new DerReader(der).read(tags.sequence);
  const hash = id.read(tags.sequence);
  const algorithm = hash.readOid();
  const hasParameters = !hash.done;
  if (hasParameters && hash.read(tags.null).bytes.length > 0) throw new DerError('bad NULL', hash.offset);
  hash.end();
  const issuerNameHash = id.read(tags.octetString).bytes;
  const issuerKeyHash = id.read(tags.octetString).bytes;
  const octets = id.readInteger();
  id.end();
  // RFC 5280 §4.1.2.2: up to 20 octets; a longer one is nobody's.
  if (octets.length > 21) throw new DerError('serial number too long', id.offset);
  const serial = (octets[0] as number) >= 0x80 ? `-${serialText(octets)}` : serialText(octets);
  return { der, algorithm, hasParameters, issuerNameHash, issuerKeyHash, serial };
}

function readExtensions(explicit: DerReader | undefined): ReadonlyMap<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  if (explicit === undefined) return values;
  const list = explicit.read(tags.sequence);
  explicit.end();
  while (!list.done) {
    const { id, critical, value } = readExtension(list);
    if (values.has(id)) throw new DerError(`extension ${id} twice`, list.offset);
    // RFC 6960 §4.4: what is critical and not understood must not be passed over.
    if (critical && !understood.has(id)) throw new DerError(`unknown critical extension ${id}`, list.offset);
    values.set(id, value.bytes);
  }
  return values;
}

/** RFC 9654 §2.1: without octets, or with more than 128, the request must be refused as malformed. */
function readNonce(value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const reader = new DerReader(value);
  const { bytes } = reader.read(tags.octetString);
  reader.end();
  if (bytes.length === 0 || bytes.length > MAX_NONCE) throw new DerError(`nonce of ${bytes.length} octets`, 0);
  return bytes;
}
