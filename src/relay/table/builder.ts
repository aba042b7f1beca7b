/** Makes a table (table.ts) of entries, one after the other. Grows as it must; only `finish` makes the buffer that is shared. */
import {
  HEADER_WORDS,
  MAGIC,
  RECORD_WORDS,
  SLOT_WORDS,
  VERSION,
  foldOctet,
  hashOctets,
  header,
  recordLength,
  tableLength,
} from './table.ts';

/** What becomes of an entry whose key is there already: left out, put in the place of the first, or kept behind it. */
export type Repeated = 'first' | 'last' | 'both';

/** A part of a text: from, to. */
export type Span = readonly [from: number, to: number];

/** Values that were seen lately are kept once; a power of two. */
const REMEMBERED = 4_096;

export class TableBuilder {
  readonly #repeated: Repeated;
  readonly #folds: boolean;
  #records: Uint32Array;
  /** The same, as octets: keys. */
  #keyOctets: Uint8Array;
  /** Words of #records that are taken. */
  #words = 0;
  #count = 0;
  #keys = 0;
  /** Hash and place of record (plus one), by pairs. */
  #slots = new Uint32Array(64 * SLOT_WORDS);
  #values: Buffer;
  #valuesUsed = 0;
  /** Place and length of values, by their hash. */
  readonly #known = new Uint32Array(REMEMBERED * 2);

  /** `expected`: octets of the text, so that most tables are made with little growing. `folds`: keys are kept in lower case. */
  constructor(expected: number, repeated: Repeated = 'first', folds = true) {
    this.#repeated = repeated;
    this.#folds = folds;
    this.#records = new Uint32Array(64 + (expected >>> 2));
    this.#keyOctets = new Uint8Array(this.#records.buffer);
    this.#values = Buffer.allocUnsafeSlow(64 + (expected >>> 3));
  }

  /** Adds the key and the value that lie in `source`. Gives the line of the entry that has this key already, undefined when it is new. */
  add(source: Uint8Array, key: Span, value: Span, line: number): number | undefined {
    const length = key[1] - key[0];
    this.#reserve(recordLength(length));
    const record = this.#words;
    this.#writeKey(source, key[0], (record + RECORD_WORDS) * 4, length);
    const at = (record + RECORD_WORDS) * 4;
    const hash = hashOctets(this.#keyOctets, at, at + length);
    const slot = this.#slotOf(hash, at, length) * SLOT_WORDS;
    const known = this.#slots[slot + 1]!;
    if (known === 0) {
      this.#append(length, source, value, line);
      this.#slots[slot] = hash;
      this.#slots[slot + 1] = record + 1;
      this.#keys += 1;
      if (this.#keys * SLOT_WORDS * 2 > this.#slots.length) this.#growSlots();
      return undefined;
    }
    const earlier = this.#records[known + 1]!;
    if (this.#repeated === 'both') this.#append(length, source, value, line);
    else if (this.#repeated === 'last') this.#setValue(known - 1, source, value, line);
    return earlier;
  }

  /** The table, in memory that several threads can look at. */
  finish(): SharedArrayBuffer {
    const slots = this.#slots.length / SLOT_WORDS;
    const buffer = new SharedArrayBuffer(tableLength(slots, this.#words, this.#valuesUsed));
    const words = new Uint32Array(buffer, 0, HEADER_WORDS + this.#slots.length + this.#words);
    [words[0], words[1]] = MAGIC;
    words[header.version] = VERSION;
    words[header.keys] = this.#keys;
    words[header.records] = this.#count;
    words[header.slots] = slots;
    words[header.words] = this.#words;
    words[header.values] = this.#valuesUsed;
    words.set(this.#slots, HEADER_WORDS);
    words.set(this.#records.subarray(0, this.#words), HEADER_WORDS + this.#slots.length);
    new Uint8Array(buffer, words.byteLength).set(this.#values.subarray(0, this.#valuesUsed));
    return buffer;
  }

  #writeKey(source: Uint8Array, from: number, at: number, length: number): void {
    const octets = this.#keyOctets;
    if (this.#folds) for (let i = 0; i < length; i++) octets[at + i] = foldOctet(source[from + i]!);
    else for (let i = 0; i < length; i++) octets[at + i] = source[from + i]!;
    // Octets up to the next word may be those of a key that was not kept.
    for (let i = length; (i & 3) !== 0; i++) octets[at + i] = 0;
  }

  /** Keeps the record whose key was just written. */
  #append(length: number, source: Uint8Array, value: Span, line: number): void {
    this.#records[this.#words + 3] = length;
    this.#setValue(this.#words, source, value, line);
    this.#words += recordLength(length);
    this.#count += 1;
  }

  #setValue(record: number, source: Uint8Array, [from, to]: Span, line: number): void {
    this.#records[record] = this.#placeOf(source, from, to);
    this.#records[record + 1] = to - from;
    this.#records[record + 2] = line;
  }

  /** Where the value is kept: most lines have one of a few. */
  #placeOf(source: Uint8Array, from: number, to: number): number {
    const length = to - from;
    const known = (hashOctets(source, from, to) & (REMEMBERED - 1)) * 2;
    const other = this.#known[known]!;
    if (this.#known[known + 1] === length && this.#isValue(other, source, from, length)) return other;
    const at = this.#valuesUsed;
    if (at + length > this.#values.length) {
      const larger = Buffer.allocUnsafeSlow(this.#values.length * 2 + length);
      this.#values.copy(larger, 0, 0, at);
      this.#values = larger;
    }
    for (let i = 0; i < length; i++) this.#values[at + i] = source[from + i]!;
    this.#valuesUsed += length;
    this.#known[known] = at;
    this.#known[known + 1] = length;
    return at;
  }

  #isValue(at: number, source: Uint8Array, from: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#values[at + i] !== source[from + i]) return false;
    return true;
  }

  /** The slot of the key whose octets are at `at`, or the free one where it would be. */
  #slotOf(hash: number, at: number, length: number): number {
    const slots = this.#slots;
    const mask = slots.length / SLOT_WORDS - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const record = slots[slot * SLOT_WORDS + 1]!;
      if (record === 0) return slot;
      if (slots[slot * SLOT_WORDS] === hash && this.#isSame(record - 1, at, length)) return slot;
    }
  }

  #isSame(record: number, at: number, length: number): boolean {
    if (this.#records[record + 3] !== length) return false;
    const other = (record + RECORD_WORDS) * 4;
    for (let i = 0; i < length; i++) if (this.#keyOctets[other + i] !== this.#keyOctets[at + i]) return false;
    return true;
  }

  #growSlots(): void {
    const old = this.#slots;
    const slots = new Uint32Array(old.length * 2);
    const mask = slots.length / SLOT_WORDS - 1;
    for (let i = 0; i < old.length; i += SLOT_WORDS) {
      if (old[i + 1] === 0) continue;
      let slot = old[i]! & mask;
      while (slots[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) & mask;
      slots[slot * SLOT_WORDS] = old[i]!;
      slots[slot * SLOT_WORDS + 1] = old[i + 1]!;
    }
    this.#slots = slots;
  }

  #reserve(more: number): void {
    if (this.#words + more <= this.#records.length) return;
    const larger = new Uint32Array(this.#records.length * 2 + more);
    larger.set(this.#records.subarray(0, this.#words));
    this.#records = larger;
    this.#keyOctets = new Uint8Array(larger.buffer);
  }
}
