import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DerError, DerReader, element, integer, oid, oidText, sequence, setOf, tags } from './der.ts';

/** Takes everything apart, as deep as it goes, without recursion. */
function walk(bytes: Uint8Array): number {
  let elements = 0;
  const open = [new DerReader(bytes)];
  for (let reader = open.pop(); reader !== undefined; reader = open.pop()) {
    while (!reader.done) {
      const { tag, content } = reader.next();
      elements += 1;
      if (tag & 0x20) open.push(content);
    }
  }
  return elements;
}

describe('DER reader', () => {
  it('refuses what DER does not allow', () => {
    const bad: Record<string, number[]> = {
      'indefinite length': [0x30, 0x80, 0x00, 0x00],
      'long form for a short length': [0x04, 0x81, 0x01, 0x00],
      'leading zero in a length': [0x04, 0x82, 0x00, 0x80],
      'length of five octets': [0x04, 0x85, 1, 0, 0, 0, 0],
      'high tag number': [0x1f, 0x81, 0x01, 0x00],
      'content cut short': [0x04, 0x02, 0x00],
      'length cut short': [0x04, 0x82, 0x01],
      'one octet': [0x30],
    };
    for (const [what, octets] of Object.entries(bad)) {
      assert.throws(() => new DerReader(Uint8Array.from(octets)).next(), DerError, what);
    }
    const tooLong = new Uint8Array(4 + 65_535);
    tooLong.set([0x04, 0x83, 0x00, 0xff]);
    assert.throws(() => new DerReader(tooLong).next(), DerError);
  });

  it('refuses values in more octets than needed', () => {
    assert.throws(() => new DerReader(Uint8Array.of(2, 2, 0, 1)).readInteger(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(2, 2, 0xff, 0x80)).readInteger(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(2, 0)).readInteger(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(1, 1, 1)).readBoolean(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(6, 2, 0x80, 1)).readOid(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(6, 1, 0x81)).readOid(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(3, 2, 4, 0x10)).readBitString(), DerError);
    assert.throws(() => new DerReader(Uint8Array.of(3, 1, 1)).readBitString(true), DerError);
    assert.deepEqual(new DerReader(Uint8Array.of(2, 2, 0, 0x80)).readInteger(), Uint8Array.of(0, 0x80));
  });

  it('says what it expected and where', () => {
    const reader = new DerReader(sequence(integer(5), integer(6)));
    const inner = reader.read(tags.sequence);
    inner.readInteger();
    assert.throws(() => inner.read(tags.oid), /expected tag 6, found tag 2 at octet 5/);
    assert.throws(() => inner.end(), /more than expected/);
    assert.equal(inner.readSmallInteger(), 6);
    assert.throws(() => inner.read(tags.oid), /found the end/);
  });

  it('never reads outside its range', () => {
    const whole = sequence(sequence(integer(1)), integer(2));
    const inner = new DerReader(whole).read(tags.sequence).read(tags.sequence);
    inner.next();
    assert.equal(inner.done, true);
    assert.throws(() => inner.next(), DerError);
  });

  it('ends on any bytes with a value or a DerError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          assert.ok(walk(bytes) <= bytes.length);
        } catch (error) {
          assert.ok(error instanceof DerError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('takes deep nesting without recursion', () => {
    const depth = 10_000;
    const parts: number[] = [];
    for (let i = 0, length = 0; i < depth; i++) {
      const header =
        length < 128 ? [0x30, length] : length < 256 ? [0x30, 0x81, length] : [0x30, 0x82, length >> 8, length & 255];
      parts.unshift(...header);
      length += header.length;
      if (length > 60_000) break;
    }
    assert.ok(walk(Uint8Array.from(parts)) > 5000);
  });
});

describe('DER writer', () => {
  it('writes what the reader reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 70_000 }), (content) => {
        const reader = new DerReader(element(tags.octetString, content));
        assert.deepEqual(reader.read(tags.octetString).bytes, content);
        reader.end();
      }),
      { numRuns: 50 },
    );
  });

  it('keeps object identifiers, also with large arcs', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 128n });
    const identifier = fc.oneof(
      fc.tuple(
        fc.constantFrom('0', '1'),
        fc.integer({ min: 0, max: 39 }).map(String),
        fc.array(arc.map(String), { maxLength: 5 }),
      ),
      fc.tuple(fc.constant('2'), arc.map(String), fc.array(arc.map(String), { maxLength: 5 })),
    );
    fc.assert(
      fc.property(identifier, ([first, second, rest]) => {
        const text = [first, second, ...rest].join('.');
        assert.equal(new DerReader(oid(text)).readOid(), text);
      }),
    );
    assert.throws(() => oid('1.40'), RangeError);
    assert.throws(() => oid('1'), RangeError);
    assert.throws(() => oid('1.02'), RangeError);
    assert.throws(() => oidText(new Uint8Array(129).fill(1)), DerError);
  });

  it('writes integers in the fewest octets', () => {
    assert.deepEqual(integer(0), Uint8Array.of(2, 1, 0));
    assert.deepEqual(integer(new Uint8Array(0)), Uint8Array.of(2, 1, 0));
    assert.deepEqual(integer(127), Uint8Array.of(2, 1, 127));
    assert.deepEqual(integer(128), Uint8Array.of(2, 2, 0, 128));
    assert.deepEqual(integer(Uint8Array.of(0, 0, 0x80, 1)), Uint8Array.of(2, 3, 0, 0x80, 1));
    fc.assert(fc.property(fc.nat(), (value) => assert.equal(new DerReader(integer(value)).readSmallInteger(), value)));
  });

  it('puts sets in order', () => {
    assert.deepEqual(setOf(integer(2), integer(1)), setOf(integer(1), integer(2)));
    assert.deepEqual(setOf(integer(300), integer(1)), element(tags.set, integer(1), integer(300)));
  });
});
