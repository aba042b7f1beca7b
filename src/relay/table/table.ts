/**
 * A table of keys and values in one buffer, that all threads look at together: made once (builder.ts), opened at no
 * cost, looked up in the same few steps whether it has ten keys or a million. Keys are octets; upper and lower case of
 * ASCII letters are one. The same octets are the compiled map that `sealpost makemap` writes.
 *
 * Header (32-bit words, little-endian); slots (hash and place of record, open addressing); records in the order of the
 * lines (where the value is, its length, the line, the key's length, and the key itself, so that a look-up touches few
 * places of memory); values.
 */
export interface TableEntry {
  readonly value: string;
  /** From 1; 0 for an entry that came from no line. */
  readonly line: number;
}

export interface Table {
  /** Number of different keys. */
  readonly size: number;
  /** The first entry of a key. Case does not matter (ASCII); `limit`: only so many octets of the key are looked at. */
  find(key: string, limit?: number): TableEntry | undefined;
  /** All entries in their order, keys as they are kept. */
  entries(): IterableIterator<TableEntry & { readonly key: Uint8Array }>;
}

/** `SEALPMAP` as two words. */
export const MAGIC: readonly [number, number] = [0x4c414553, 0x50414d50];
export const VERSION = 1;
export const HEADER_WORDS = 16;
/** Words of the header, by number. */
export const header = {
  version: 2,
  /** Different keys. */
  keys: 3,
  /** Entries, those with a key that was there already included. */
  records: 4,
  /** A power of two, more than the keys. */
  slots: 5,
  /** Words of all records. */
  words: 6,
  /** Octets of all values. */
  values: 7,
} as const;
export const SLOT_WORDS = 2;
/** Words of a record before its key. */
export const RECORD_WORDS = 4;

/** Octets of a table with so many slots, words of records, and octets of values. */
export function tableLength(slots: number, words: number, values: number): number {
  return (HEADER_WORDS + slots * SLOT_WORDS + words) * 4 + values;
}

/** Words of a record whose key has so many octets. */
export function recordLength(key: number): number {
  return RECORD_WORDS + ((key + 3) >>> 2);
}

/** Lower case for an ASCII octet. */
export function foldOctet(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}

/** FNV-1a over octets, mixed at the end so that the low bits are good. Compiled maps depend on it. */
export function hashOctets(octets: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ octets[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Whether a buffer looks like a table; what is in it may still be damaged (openTable looks at its measures, checkTable at all of it). */
export function isTable(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength < HEADER_WORDS * 4) return false;
  const [first, second] = new Uint32Array(buffer, 0, 2);
  return first === MAGIC[0] && second === MAGIC[1];
}

/** The table in a buffer. Throws a RangeError on one that is none, or was made by another version. */
export function openTable(buffer: ArrayBufferLike): Table {
  if (!isTable(buffer)) throw new RangeError('this is no compiled map');
  const head = new Uint32Array(buffer, 0, HEADER_WORDS);
  if (head[header.version] !== VERSION) throw new RangeError('the map was compiled by another version');
  const measure = (name: keyof typeof header): number => head[header[name]]!;
  const slots = measure('slots');
  const sound = slots > measure('keys') && (slots & (slots - 1)) === 0 && measure('records') >= measure('keys');
  if (!sound || tableLength(slots, measure('words'), measure('values')) !== buffer.byteLength)
    throw new RangeError('the compiled map is damaged');
  return new OpenTable(buffer, measure('keys'), measure('records'), slots, measure('words'));
}

/**
 * Looks at all places in a table that came from outside: else one made to do harm would be looked into for ever, or tell
 * what is behind its end. Throws a RangeError. Costs a pass over the table.
 */
export function checkTable(buffer: ArrayBufferLike): void {
  openTable(buffer);
  const head = new Uint32Array(buffer, 0, HEADER_WORDS);
  const [slots, words] = [head[header.slots]!, head[header.words]!];
  const values = head[header.values]!;
  const records = new Uint32Array(buffer, (HEADER_WORDS + slots * SLOT_WORDS) * 4, words);
  const places = new Set<number>();
  let at = 0;
  while (at + RECORD_WORDS <= words && records[at]! + records[at + 1]! <= values) {
    places.add(at);
    at += recordLength(records[at + 3]!);
  }
  const slotWords = new Uint32Array(buffer, HEADER_WORDS * 4, slots * SLOT_WORDS);
  let used = 0;
  let lost = 0;
  for (let slot = 1; slot < slotWords.length; slot += SLOT_WORDS) {
    const record = slotWords[slot]!;
    if (record === 0) continue;
    used += 1;
    if (!places.has(record - 1)) lost += 1;
  }
  if (at !== words || places.size !== head[header.records] || used !== head[header.keys] || lost > 0)
    throw new RangeError('the compiled map is damaged');
}

/** Values that are often asked for are kept as text. */
const REMEMBERED = 1_024;
/** Longer keys are in no map that makemap reads. */
const LONGEST = 4_096;

class OpenTable implements Table {
  readonly size: number;
  readonly #count: number;
  readonly #mask: number;
  readonly #slots: Uint32Array;
  readonly #records: Uint32Array;
  /** The same, as octets: keys. */
  readonly #keys: Uint8Array;
  readonly #values: Buffer;
  /** Where a key is folded and looked at. */
  readonly #scratch = Buffer.allocUnsafeSlow(LONGEST);
  readonly #texts = new Map<number, string>();

  constructor(buffer: ArrayBufferLike, keys: number, records: number, slots: number, words: number) {
    const recordsAt = (HEADER_WORDS + slots * SLOT_WORDS) * 4;
    this.size = keys;
    this.#count = records;
    this.#mask = slots - 1;
    this.#slots = new Uint32Array(buffer, HEADER_WORDS * 4, slots * SLOT_WORDS);
    this.#records = new Uint32Array(buffer, recordsAt, words);
    this.#keys = new Uint8Array(buffer, recordsAt, words * 4);
    this.#values = Buffer.from(buffer as ArrayBuffer, recordsAt + words * 4);
  }

  find(key: string, limit = LONGEST): TableEntry | undefined {
    const length = Math.min(this.#fold(key), limit);
    const hash = hashOctets(this.#scratch, 0, length);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const record = this.#slots[slot * SLOT_WORDS + 1]!;
      if (record === 0) return undefined;
      if (this.#slots[slot * SLOT_WORDS] === hash && this.#isKey(record - 1, length)) return this.#entry(record - 1);
    }
  }

  *entries(): IterableIterator<TableEntry & { readonly key: Uint8Array }> {
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const length = this.#records[at + 3]!;
      const from = (at + RECORD_WORDS) * 4;
      yield { key: this.#keys.subarray(from, from + length), ...this.#entry(at) };
      at += recordLength(length);
    }
  }

  /** Writes the key, folded, where it is compared; gives its octets. */
  #fold(key: string): number {
    const scratch = this.#scratch;
    const length = Math.min(key.length, LONGEST);
    for (let i = 0; i < length; i++) {
      const code = key.charCodeAt(i);
      if (code > 0x7f) return this.#foldWide(key);
      scratch[i] = foldOctet(code);
    }
    return length;
  }

  #foldWide(key: string): number {
    const length = this.#scratch.write(key);
    for (let i = 0; i < length; i++) this.#scratch[i] = foldOctet(this.#scratch[i]!);
    return length;
  }

  #isKey(record: number, length: number): boolean {
    if (this.#records[record + 3] !== length) return false;
    const at = (record + RECORD_WORDS) * 4;
    for (let i = 0; i < length; i++) if (this.#keys[at + i] !== this.#scratch[i]) return false;
    return true;
  }

  #entry(record: number): TableEntry {
    const [at, length] = [this.#records[record]!, this.#records[record + 1]!];
    return { value: this.#text(at, length), line: this.#records[record + 2]! };
  }

  /** Equal values share their octets, so most look-ups find their text made. */
  #text(at: number, length: number): string {
    let text = this.#texts.get(at);
    if (text === undefined || length === 0) {
      text = this.#values.toString('utf8', at, at + length);
      if (this.#texts.size < REMEMBERED && length > 0) this.#texts.set(at, text);
    }
    return text;
  }
}
