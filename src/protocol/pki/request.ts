/** Certificate requests, PKCS#10 (RFC 2986): taken apart, with the parts left as they stand. No signature is checked here. */
import { DerError, DerReader, contextTag, orEmpty, tags } from './der.ts';
import { readExtension } from './extension.ts';
import { readGeneralNames, type GeneralName } from './general-name.ts';
import { readName } from './name.ts';
import { oids } from './oid.ts';
import { stringText } from './string-value.ts';

/** What a request says. The arrays are views into the DER that was read. */
export interface CertificateRequest {
  /** The part that is signed. */
  readonly signed: Uint8Array;
  /** DER of the Name, known to be one; may be empty. */
  readonly subject: Uint8Array;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Signature algorithm, dotted. */
  readonly algorithm: string;
  /** What stands behind the algorithm, one element of DER; undefined when nothing does. */
  readonly parameters: Uint8Array | undefined;
  readonly signature: Uint8Array;
  /** challengePassword (RFC 2985 §5.4.1), with which EST binds a request to its TLS session. */
  readonly challengePassword: string | undefined;
  readonly requested: RequestedExtensions;
}

/** What the request asks for in its extensionRequest (RFC 2985 §5.4.2). A CA need not listen, and ours decides by profile. */
export interface RequestedExtensions {
  readonly names: readonly GeneralName[];
  readonly isCa: boolean;
  readonly purposes: readonly string[];
  /** All extensions asked for, dotted. */
  readonly types: readonly string[];
}

export type RequestReading =
  | { readonly kind: 'request'; readonly request: CertificateRequest }
  /** `why` names the place. */
  | { readonly kind: 'bad'; readonly why: string };

/** A request has a name, a key and a few attributes: 16 KB hold the largest key and the longest of them. */
export const MAX_REQUEST = 16_384;

/** Reads a request. The bound on its size and a reader that neither recurses nor goes back keep the cost small for any bytes. */
export function readRequest(der: Uint8Array): RequestReading {
  if (der.length > MAX_REQUEST) {
    return { kind: 'bad', why: `the request has ${der.length} octets, more than ${MAX_REQUEST}` };
  }
  try {
    const outer = new DerReader(der);
    const whole = outer.read(tags.sequence);
    outer.end();
    const signed = whole.readWhole(tags.sequence);
    const identifier = whole.read(tags.sequence);
    const algorithm = identifier.readOid();
    const parameters = identifier.done ? undefined : identifier.next().whole;
    identifier.end();
    const signature = whole.readBitString();
    whole.end();

    const info = new DerReader(signed).read(tags.sequence);
    const version = info.readSmallInteger();
    if (version !== 0) return { kind: 'bad', why: `the request has version ${version + 1}, not 1` };
    const subject = info.readWhole(tags.sequence);
    readName(subject);
    const publicKey = info.readWhole(tags.sequence);
    // Attributes may be missing altogether: old tools leave them out.
    const attributes = readAttributes(orEmpty(info.optional(contextTag(0))));
    info.end();
    return {
      kind: 'request',
      request: {
        signed,
        subject,
        publicKey,
        algorithm,
        parameters,
        signature,
        challengePassword: readPassword(attributes.get(oids.challengePassword)),
        requested: readRequested(attributes.get(oids.extensionRequest)),
      },
    };
  } catch (error) {
    if (error instanceof DerError) return { kind: 'bad', why: `the request is no DER of PKCS#10: ${error.message}` };
    throw error;
  }
}

/** The values of each attribute by its type. Two of one type are refused: each reader could believe another one. */
function readAttributes(list: DerReader): Map<string, DerReader> {
  const attributes = new Map<string, DerReader>();
  while (!list.done) {
    const attribute = list.read(tags.sequence);
    const type = attribute.readOid();
    const values = attribute.read(tags.set);
    attribute.end();
    if (attributes.has(type)) throw new DerError(`attribute ${type} twice`, attribute.offset);
    attributes.set(type, values);
  }
  return attributes;
}

function readPassword(values: DerReader | undefined): string | undefined {
  if (values === undefined) return undefined;
  const { tag, content } = values.next();
  values.end();
  const text = stringText(tag, content.bytes);
  if (text === undefined) throw new DerError('challengePassword is no text', values.offset);
  return text;
}

function readRequested(values: DerReader | undefined): RequestedExtensions {
  const found = new Map<string, DerReader>();
  if (values !== undefined) {
    const list = values.read(tags.sequence);
    values.end();
    while (!list.done) {
      const { id, value } = readExtension(list);
      if (found.has(id)) throw new DerError(`extension ${id} asked for twice`, list.offset);
      found.set(id, value);
    }
  }
  const names = found.get(oids.subjectAltName);
  const constraints = found.get(oids.basicConstraints)?.read(tags.sequence);
  const purposes: string[] = [];
  const usages = orEmpty(found.get(oids.extKeyUsage)?.read(tags.sequence));
  while (!usages.done) purposes.push(usages.readOid());
  return {
    names: names === undefined ? [] : readGeneralNames(names),
    isCa: constraints?.tag === tags.boolean && constraints.readBoolean(),
    purposes,
    types: [...found.keys()],
  };
}

/** What a SubjectPublicKeyInfo says of the kind of key; undefined when it is none (RFC 5280 §4.1.2.7). */
export interface PublicKeyKind {
  readonly algorithm: string;
  /** The curve of a named one, dotted; undefined with other keys and where a curve is given by its numbers. */
  readonly curve: string | undefined;
  /** The octets of subjectPublicKey, from which key identifiers are made. */
  readonly bits: Uint8Array;
}

export function readPublicKeyKind(publicKey: Uint8Array): PublicKeyKind | undefined {
  try {
    const outer = new DerReader(publicKey);
    const info = outer.read(tags.sequence);
    outer.end();
    const identifier = info.read(tags.sequence);
    const algorithm = identifier.readOid();
    const curve = identifier.tag === tags.oid ? identifier.readOid() : undefined;
    const bits = info.readBitString();
    info.end();
    return { algorithm, curve, bits };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
