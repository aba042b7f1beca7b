/**
 * DER (X.690 §10): a strict reader that walks tag-length-value in place, and a writer.
 *
 * The reader copies nothing, never recurses, and takes no form but the one DER allows: definite lengths in the
 * fewest octets, one-octet tags. All that does not fit is a `DerError`; whoever opens a structure from outside
 * (`parseCertificate`) catches it there and turns it into a value.
 */
import { concat, type Bytes } from '../../base/bytes.ts';

/** Identifier octets of the types that certificates use. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  generalString: 0x1b,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Constructed context-specific tag `[number]`. */
export function contextTag(number: number): number {
  return 0xa0 | number;
}

/** Primitive context-specific tag `[number] IMPLICIT` of a simple type. */
export function contextPrimitiveTag(number: number): number {
  return 0x80 | number;
}

/** The bytes are not DER, or not the structure that was expected. `offset` counts from the start of the buffer. */
export class DerError extends Error {
  override readonly name = 'DerError';
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(`${what} at octet ${offset}`);
    this.offset = offset;
  }
}

/** Arcs longer than this are no object identifier that anybody uses; the bound keeps big-number work small. */
const MAX_OID = 128;

/** One element: its identifier octet, all of it, and what is in it. */
export interface DerElement {
  readonly tag: number;
  /** Identifier, length and content. */
  readonly whole: Uint8Array;
  readonly content: DerReader;
}

/** Reads the elements of a range of `bytes` one after the other. Methods throw `DerError`. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#at = start;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  get offset(): number {
    return this.#at;
  }

  /** Octets from the start of the range to its end, whatever was read: the content of a primitive type. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Octets that were not read yet. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  /** Identifier octet of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#at];
  }

  /** The next element, of any type. */
  next(): DerElement {
    const start = this.#at;
    if (start + 2 > this.#end) throw new DerError('element cut short', start);
    const tag = this.#bytes[start] as number;
    if ((tag & 0x1f) === 0x1f) throw new DerError('tag of several octets', start);
    let length = this.#bytes[start + 1] as number;
    let content = start + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4) throw new DerError('indefinite or oversized length', start);
      if (content + octets > this.#end) throw new DerError('length cut short', start);
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (this.#bytes[content + i] as number);
      // X.690 §10.1: the fewest octets.
      if (length < 0x80 || (octets > 1 && length < 256 ** (octets - 1)))
        throw new DerError('length in too many octets', start);
      content += octets;
    }
    const end = content + length;
    if (end > this.#end) throw new DerError('content cut short', start);
    this.#at = end;
    return { tag, whole: this.#bytes.subarray(start, end), content: new DerReader(this.#bytes, content, end) };
  }

  /** The content of the next element, which must have this identifier octet. */
  read(tag: number): DerReader {
    this.#expect(tag);
    return this.next().content;
  }

  /** As `read`, but the whole element. */
  readWhole(tag: number): Uint8Array {
    this.#expect(tag);
    return this.next().whole;
  }

  /** As `read` when the next element has this identifier octet; else undefined, and nothing is read. */
  optional(tag: number): DerReader | undefined {
    return this.tag === tag ? this.next().content : undefined;
  }

  /** Throws unless all was read. */
  end(): void {
    if (!this.done) throw new DerError('more than expected', this.#at);
  }

  readBoolean(): boolean {
    const { bytes } = this.read(tags.boolean);
    // X.690 §11.1: TRUE is FF.
    if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 0xff)) throw new DerError('bad BOOLEAN', this.#at);
    return bytes[0] !== 0;
  }

  /** Two's complement octets of an INTEGER, checked to be the fewest (X.690 §8.3.2). */
  readInteger(): Uint8Array {
    const { bytes } = this.read(tags.integer);
    const first = bytes[0];
    const second = bytes[1];
    if (first === undefined) throw new DerError('empty INTEGER', this.#at);
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new DerError('INTEGER in too many octets', this.#at);
    }
    return bytes;
  }

  /** An INTEGER from 0 to 2^31 - 1. */
  readSmallInteger(): number {
    const bytes = this.readInteger();
    if (bytes.length > 4 || (bytes[0] as number) >= 0x80) throw new DerError('INTEGER out of range', this.#at);
    let value = 0;
    for (const byte of bytes) value = value * 256 + byte;
    return value;
  }

  /** An OBJECT IDENTIFIER, dotted. */
  readOid(): string {
    return oidText(this.read(tags.oid).bytes, this.#at);
  }

  /** The octets of a BIT STRING, without the count of unused bits, which must be 0 unless `anyBits`. */
  readBitString(anyBits: boolean = false): Uint8Array {
    const { bytes } = this.read(tags.bitString);
    const unused = bytes[0];
    if (unused === undefined || unused > 7 || (unused > 0 && (!anyBits || bytes.length === 1))) {
      throw new DerError('bad BIT STRING', this.#at);
    }
    return bytes.subarray(1);
  }

  #expect(tag: number): void {
    if (this.tag !== tag) {
      const found = this.done ? 'the end' : `tag ${(this.tag as number).toString(16)}`;
      throw new DerError(`expected tag ${tag.toString(16)}, found ${found}`, this.#at);
    }
  }
}

/** An optional list, as one without elements where it is missing. */
export function orEmpty(list: DerReader | undefined): DerReader {
  return list ?? new DerReader(new Uint8Array(0));
}

/** The content octets of an OBJECT IDENTIFIER as dotted text. Throws `DerError`. */
export function oidText(bytes: Uint8Array, offset: number = 0): string {
  if (bytes.length === 0 || bytes.length > MAX_OID) throw new DerError('bad OBJECT IDENTIFIER', offset);
  let text = '';
  let big = 0n;
  let small = 0;
  let octets = 0;
  for (const byte of bytes) {
    // X.690 §8.19.2: an arc does not start with an empty septet.
    if (octets === 0 && byte === 0x80) throw new DerError('bad OBJECT IDENTIFIER', offset);
    if (octets === 4) big = BigInt(small);
    if (octets >= 4) big = (big << 7n) | BigInt(byte & 0x7f);
    else small = small * 128 + (byte & 0x7f);
    octets += 1;
    if (byte & 0x80) continue;
    text += arcText(octets > 4 ? big : BigInt(small), text === '');
    big = 0n;
    small = 0;
    octets = 0;
  }
  if (octets !== 0) throw new DerError('OBJECT IDENTIFIER cut short', offset);
  return text;
}

function arcText(value: bigint, first: boolean): string {
  if (!first) return `.${value}`;
  // X.690 §8.19.4: the first two arcs share one number.
  if (value >= 80n) return `2.${value - 80n}`;
  return value >= 40n ? `1.${value - 40n}` : `0.${value}`;
}

/** One element with this identifier octet and these parts as its content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  return concat([header(tag, length), ...parts]);
}

export function sequence(...parts: readonly Uint8Array[]): Bytes {
  return element(tags.sequence, ...parts);
}

/** SET OF: the elements are put in the order of DER (X.690 §11.6). */
export function setOf(...parts: readonly Uint8Array[]): Bytes {
  return element(tags.set, ...parts.toSorted((a, b) => Buffer.compare(a, b)));
}

/** A non-negative INTEGER from its magnitude, most significant octet first. */
export function integer(magnitude: Uint8Array | number): Bytes {
  const bytes = typeof magnitude === 'number' ? numberBytes(magnitude) : magnitude;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const trimmed = bytes.subarray(start);
  if (trimmed.length === 0) return element(tags.integer, Uint8Array.of(0));
  return (trimmed[0] as number) >= 0x80
    ? element(tags.integer, Uint8Array.of(0), trimmed)
    : element(tags.integer, trimmed);
}

/** An OBJECT IDENTIFIER from dotted text. Throws `RangeError` when the text is none. */
export function oid(text: string): Bytes {
  if (!/^[012](\.(0|[1-9]\d*))+$/.test(text)) throw new RangeError(`${text} is no object identifier`);
  const arcs = text.split('.').map((arc) => BigInt(arc));
  const [first, second, ...rest] = arcs as [bigint, bigint, ...bigint[]];
  if (first < 2n && second > 39n) throw new RangeError(`${text} is no object identifier`);
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const septets = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) septets.unshift(Number(left & 0x7fn) | 0x80);
    octets.push(...septets);
  }
  return element(tags.oid, Uint8Array.from(octets));
}

/** Identifier and length octets, for content that is not to be copied once more. */
export function header(tag: number, length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(tag, length);
  const octets = numberBytes(length);
  return concat([Uint8Array.of(tag, 0x80 | octets.length), octets]);
}

function numberBytes(value: number): Bytes {
  const octets: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return Uint8Array.from(octets);
}
