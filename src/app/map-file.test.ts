import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { compileTable } from '../relay/table/compile.ts';
import { HEADER_WORDS, header, openTable } from '../relay/table/table.ts';
import { tableOf } from './map-file.ts';

describe('compiled maps of somebody else', () => {
  const text = 'one 1\ntwo 2\nthree 3\n';

  /** A map whose digest is right, whatever was done to its words. */
  function forged(change: (words: Uint32Array) => void): Buffer {
    const { table } = compileTable(Buffer.from(text));
    const octets = new Uint8Array(table.slice(0));
    change(new Uint32Array(octets.buffer, 0, octets.length >>> 2));
    return Buffer.concat([octets, createHash('sha256').update(octets).digest()]);
  }

  test('one that is whole is taken', () => {
    const table = tableOf(
      forged(() => {}),
      'map',
    );
    assert.ok(table !== undefined);
    assert.equal(openTable(table).find('TWO')?.value, '2');
  });

  test('one whose places lead elsewhere, or nowhere, is not', () => {
    const records = (words: Uint32Array): number => HEADER_WORDS + words[header.slots]! * 2;
    const harm: Readonly<Record<string, (words: Uint32Array) => void>> = {
      'no free slot, so that a look-up never ends': (words) => {
        for (let slot = 0; slot < words[header.slots]!; slot++) words[HEADER_WORDS + slot * 2 + 1] = 1;
      },
      'a record behind the end': (words) => {
        for (let slot = 0; slot < words[header.slots]!; slot++)
          if (words[HEADER_WORDS + slot * 2 + 1] !== 0) words[HEADER_WORDS + slot * 2 + 1] = 0x7fff_ffff;
      },
      'a value behind the end': (words) => {
        words[records(words)] = 0xffff_fff0;
      },
      'a key longer than all records': (words) => {
        words[records(words) + 3] = 0xffff_ffff;
      },
      'more records than there are': (words) => {
        words[header.records] = 0xffff_ffff;
      },
    };
    for (const [what, change] of Object.entries(harm))
      assert.throws(() => tableOf(forged(change), 'map'), /damaged/, what);
  });
});
