/**
 * Reads certificate revocation lists (RFC 5280 §5). What is said only of some certificates, or only beside another
 * list, is refused in words: a list that is believed must say everything about the certificates it is asked about. No
 * signature is checked here.
 */
import { sameBytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { serialText, readTime } from './certificate.ts';
import { DerError, DerReader, contextPrimitiveTag, contextTag, tags } from './der.ts';
import { readExtension } from './extension.ts';
import { readName } from './name.ts';
import { oids } from './oid.ts';

export interface RevocationListContent {
  /** DER of the Name; known to be one. */
  readonly issuer: Uint8Array;
  /** Dotted; the same in both places (RFC 5280 §5.1.1.2). */
  readonly algorithm: string;
  /** The part that is signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
  /** cRLNumber; undefined without. */
  readonly number: bigint | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Whose certificates it speaks of. */
  readonly scope: 'all' | 'users' | 'authorities';
  /** Where in the DER each entry starts, in the order of the list. */
  readonly entries: Uint32Array;
}

export type CrlReading =
  | { readonly kind: 'list'; readonly list: RevocationListContent }
  | { readonly kind: 'bad'; readonly why: string };

/** One revocation. */
export interface CrlEntry {
  /** As `serialText` writes it; `-` before the octets of a negative one. */
  readonly serial: string;
  readonly at: Ms;
  /** CRLReason (RFC 5280 §5.3.1). */
  readonly reason: number;
}

/** Some millions of entries; more is no list that a mail server should hold. */
const MAX_CRL = 256 * 1024 * 1024;
/** An entry without extensions takes 20 octets at least: what there is room for is made once. */
const LEAST_ENTRY = 20;

/** Something that is a list, but none that can be believed here. */
class Unusable extends Error {}

/** The list, or why it is none to go by. Never throws; cost and memory are linear in the octets. */
export function readCrl(der: Uint8Array): CrlReading {
  if (der.length > MAX_CRL) return { kind: 'bad', why: `it has ${der.length} octets, more than ${MAX_CRL}` };
  try {
    return { kind: 'list', list: readList(new DerReader(der), der.length) };
  } catch (error) {
    if (error instanceof Unusable) return { kind: 'bad', why: error.message };
    if (error instanceof DerError) return { kind: 'bad', why: `it is no CRL (${error.message})` };
    throw error;
  }
}

/** The entry that starts at this octet; only for offsets of `entries`. */
export function entryAt(der: Uint8Array, offset: number): CrlEntry {
  const entry = new DerReader(der, offset).read(tags.sequence);
  const octets = entry.readInteger();
  const at = readTime(entry);
  const serial = (octets[0] as number) >= 0x80 ? `-${serialText(octets)}` : serialText(octets);
  return { serial, at, reason: readEntryExtensions(entry) };
}

/** Octets of the serial number of the entry that starts here, as they stand in the DER. */
export function serialAt(der: Uint8Array, offset: number): Uint8Array {
  return new DerReader(der, offset).read(tags.sequence).readInteger();
}

function readList(outer: DerReader, size: number): RevocationListContent {
  const whole = outer.read(tags.sequence);
  outer.end();
  const signed = whole.readWhole(tags.sequence);
  const algorithm = whole.readWhole(tags.sequence);
  const signature = whole.readBitString();
  whole.end();

  const list = new DerReader(outer.bytes, signed.byteOffset - outer.bytes.byteOffset).read(tags.sequence);
  const version = list.tag === tags.integer ? list.readSmallInteger() : 0;
  if (!sameBytes(list.readWhole(tags.sequence), algorithm)) throw new DerError('two signature algorithms', list.offset);
  const issuer = list.readWhole(tags.sequence);
  readName(issuer);
  const thisUpdate = readTime(list);
  // RFC 5280 §5.1.2.5: required. Without it nobody can tell an old list from a new one.
  if (list.done || list.tag === tags.sequence || list.tag === contextTag(0))
    throw new Unusable('it has no nextUpdate, so it would count for ever');
  const nextUpdate = readTime(list);
  const revoked = list.optional(tags.sequence);
  const entries = revoked === undefined ? new Uint32Array(0) : readEntries(revoked, size);
  const extensions = readExtensions(list.optional(contextTag(0)));
  list.end();
  if (version > 1 || (version === 0 && extensions.any)) throw new DerError('extensions and version do not fit', 0);
  const { number, scope, authorityKeyId } = extensions;
  return {
    issuer,
    algorithm: new DerReader(algorithm).read(tags.sequence).readOid(),
    signed,
    signature,
    thisUpdate,
    nextUpdate,
    number,
    scope,
    authorityKeyId,
    entries,
  };
}

function readEntries(list: DerReader, size: number): Uint32Array {
  const starts = new Uint32Array(Math.ceil(size / LEAST_ENTRY));
  let count = 0;
  // Most entries say the same as the one before, octet for octet.
  let understood: Uint8Array = new Uint8Array(0);
  while (!list.done) {
    const start = list.offset;
    const entry = list.read(tags.sequence);
    entry.readInteger();
    readTime(entry);
    const said = entry.rest;
    if (!sameBytes(said, understood)) {
      readEntryExtensions(entry);
      understood = said;
    }
    starts[count] = start;
    count += 1;
  }
  return starts.slice(0, count);
}

/** CRLReason; 0, unspecified, without. */
function readEntryExtensions(entry: DerReader): number {
  if (entry.done) return 0;
  const list = entry.read(tags.sequence);
  entry.end();
  let reason = 0;
  while (!list.done) {
    const { id, critical, value } = readExtension(list);
    if (id === oids.reasonCode) {
      const [code, more] = value.read(tags.enumerated).bytes;
      if (code === undefined || more !== undefined || code > 10) throw new DerError('bad reasonCode', value.offset);
      reason = code;
    } else if (id === CERTIFICATE_ISSUER) throw new Unusable('it is an indirect CRL, which speaks for several CAs');
    // RFC 5280 §5.3: a list with what is critical and not understood must not be used.
    else if (critical) throw new Unusable(`an entry has the critical extension ${id}, which is not known here`);
  }
  return reason;
}

const CERTIFICATE_ISSUER = '2.5.29.29';
const DELTA_INDICATOR = '2.5.29.27';
const ISSUING_POINT = '2.5.29.28';

type ListExtensions = Pick<RevocationListContent, 'number' | 'scope' | 'authorityKeyId'> & { readonly any: boolean };

function readExtensions(explicit: DerReader | undefined): ListExtensions {
  const found: { -readonly [K in keyof ListExtensions]: ListExtensions[K] } = {
    any: explicit !== undefined,
    number: undefined,
    scope: 'all',
    authorityKeyId: undefined,
  };
  if (explicit === undefined) return found;
  const list = explicit.read(tags.sequence);
  explicit.end();
  const seen = new Set<string>();
  while (!list.done) {
    const { id, critical, value } = readExtension(list);
    if (seen.has(id)) throw new DerError(`extension ${id} twice`, list.offset);
    seen.add(id);
    if (id === oids.crlNumber) found.number = readNumber(value);
    else if (id === ISSUING_POINT) found.scope = readScope(value);
    else if (id === oids.authorityKeyIdentifier)
      found.authorityKeyId = value.read(tags.sequence).optional(contextPrimitiveTag(0))?.bytes;
    else if (id === DELTA_INDICATOR)
      throw new Unusable('it is a delta CRL, which says only what changed; give the complete one');
    else if (critical) throw new Unusable(`it has the critical extension ${id}, which is not known here`);
  }
  return found;
}

/** RFC 5280 §5.2.3: not negative, at most 20 octets. */
function readNumber(value: DerReader): bigint {
  const octets = value.readInteger();
  if (octets.length > 20 || (octets[0] as number) >= 0x80) throw new DerError('bad cRLNumber', value.offset);
  return BigInt(`0x${serialText(octets)}`);
}

/** issuingDistributionPoint (RFC 5280 §5.2.5). */
function readScope(value: DerReader): RevocationListContent['scope'] {
  const point = value.read(tags.sequence);
  value.end();
  let scope: RevocationListContent['scope'] = 'all';
  while (!point.done) {
    const { tag, content } = point.next();
    if (tag === contextTag(0))
      throw new Unusable('it is for one distribution point, so it may be a part of the list; give the complete one');
    if (tag === contextPrimitiveTag(3)) throw new Unusable('it is for some reasons of revocation only');
    const [flag] = content.bytes;
    if (content.bytes.length !== 1 || (flag !== 0 && flag !== 0xff)) throw new DerError('bad BOOLEAN', content.offset);
    if (flag === 0) continue;
    if (tag === contextPrimitiveTag(4)) throw new Unusable('it is an indirect CRL, which speaks for several CAs');
    if (tag === contextPrimitiveTag(5)) throw new Unusable('it is for attribute certificates');
    const next = tag === contextPrimitiveTag(1) ? 'users' : tag === contextPrimitiveTag(2) ? 'authorities' : undefined;
    if (next === undefined || scope !== 'all') throw new DerError('bad issuingDistributionPoint', content.offset);
    scope = next;
  }
  return scope;
}
