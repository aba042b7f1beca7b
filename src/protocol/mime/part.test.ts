import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, latin1, utf8 } from '../../base/bytes.ts';
import { writeMultipart } from './part.ts';

test('parts between delimiters; bodies are passed on and not copied', () => {
  const body = utf8('one\r\n');
  const pieces = writeMultipart('b-1', [
    { header: ['Content-Type: text/plain', 'X: y'], body: [body] },
    { header: [], body: [] },
  ]);
  assert.ok(pieces.includes(body));
  assert.equal(
    latin1(concat(pieces)),
    '--b-1\r\nContent-Type: text/plain\r\nX: y\r\n\r\none\r\n\r\n--b-1\r\n\r\n\r\n--b-1--\r\n',
  );
});

test('a boundary that cannot stand in a header is a bug of the caller', () => {
  for (const boundary of ['', 'a b', 'a"', 'a\r\n', 'x'.repeat(71)])
    assert.throws(() => writeMultipart(boundary, []), RangeError);
});
