import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeText, encodePhrase, encodeText } from './encoded-word.ts';

test('plain text stays as it is, other text becomes words', () => {
  assert.equal(encodeText('Hello, world'), 'Hello, world');
  assert.equal(encodeText('Grüße'), '=?UTF-8?B?R3LDvMOfZQ==?=');
  assert.equal(encodeText('=?UTF-8?B?eA==?='), '=?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=');
  assert.equal(encodePhrase('Alice Example'), 'Alice Example');
  assert.equal(encodePhrase('Example, "A" \\'), '"Example, \\"A\\" \\\\"');
  assert.equal(encodePhrase('佐藤'), '=?UTF-8?B?5L2Q6Jek?=');
  assert.equal(encodePhrase(''), '""');
});

test('words of others are decoded', () => {
  assert.equal(decodeText('=?ISO-8859-1?Q?Andr=E9_?= Pirard'), 'André  Pirard');
  assert.equal(decodeText('(=?utf-8?q?a?=\r\n =?utf-8?q?b?=)'), '(ab)');
  assert.equal(decodeText('=?utf-8?b?5L2Q?= =?utf-8?b?6Jek?='), '佐藤');
  assert.equal(decodeText('=?utf-8?b?5L0=?= =?utf-8?b?kA==?='), '佐', 'one character over two words');
  assert.equal(decodeText('=?ISO-2022-JP?B?GyRCOjRGIxsoQg==?='), '佐藤');
  assert.equal(decodeText('=?utf-8*en?q?a?= b'), 'a b');
  for (const text of [
    '=?nowhere?q?a?=',
    '=?utf-8?q?=GG?=',
    '=?utf-8?b?%?=',
    '=?utf-8?b?/w==?=',
    'a =? b',
    '=?utf-8?q?a',
  ])
    assert.equal(decodeText(text), text);
});

test('property: what is encoded comes back, is ASCII, and keeps to its length', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 120 }), fc.string({ unit: 'binary' })),
      (text) => {
        const encoded = encodeText(text);
        assert.equal(decodeText(encoded.replaceAll('\r\n', '')), text.isWellFormed() ? text : text.toWellFormed());
        assert.match(encoded, /^[\x20-\x7e]*(?:\r\n [\x20-\x7e]+)*$/);
        if (encoded !== text) for (const line of encoded.split('\r\n ')) assert.ok(line.length <= 75);
        const phrase = encodePhrase(text);
        assert.match(phrase, /^[\x20-\x7e]*(?:\r\n [\x20-\x7e]+)*$/);
      },
    ),
  );
});
