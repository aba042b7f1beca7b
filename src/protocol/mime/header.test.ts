import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromLatin1, latin1, utf8 } from '../../base/bytes.ts';
import { fieldText, findField, findHeaderEnd, splitHeader, unfold } from './header.ts';

const header =
  'Received: from a\r\n\tby b\r\nSubject : caf\u00e9\r\nnonsense\r\n: no name\r\nX-Bad Name: x\r\nBCC:a@example.org,\r\n b@example.org\r\n';

test('fields with their ranges; what is no field keeps its place', () => {
  const bytes = utf8(header);
  const fields = splitHeader(bytes);
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['received', 'subject', '', '', '', 'bcc'],
  );
  assert.equal(latin1(bytes.subarray(fields[0]?.start, fields[0]?.end)), 'Received: from a\r\n\tby b\r\n');
  const bcc = findField(fields, 'bcc');
  assert.ok(bcc !== undefined);
  assert.equal(fieldText(bytes, bcc), 'a@example.org, b@example.org');
  assert.equal(fieldText(bytes, fields[1] as (typeof fields)[number]), 'café');
  assert.equal(fieldText(fromLatin1('X: caf\u00e9\r\n'), { name: 'x', start: 0, value: 2, end: 9 }), 'café');
  assert.equal(findField(fields, 'to'), undefined);
});

test('the end of the header section', () => {
  assert.deepEqual(findHeaderEnd(utf8('A: b\r\n\r\nbody\r\n\r\n')), { end: 6, body: 8 });
  assert.deepEqual(findHeaderEnd(utf8('\r\nbody')), { end: 0, body: 2 });
  assert.equal(findHeaderEnd(utf8('A: b\r\n')), undefined);
  assert.equal(findHeaderEnd(utf8('A: b\n\nbody')), undefined);
  assert.equal(findHeaderEnd(new Uint8Array()), undefined);
  // Found as well when the bytes came in two pieces, wherever they were cut.
  const whole = utf8('A: b\r\n\r\nbody');
  for (let cut = 0; cut < whole.length; cut++)
    assert.deepEqual(findHeaderEnd(whole.subarray(0, cut)) ?? findHeaderEnd(whole, cut), { end: 6, body: 8 });
  assert.equal(findHeaderEnd(utf8('xA: b\r\n\r\n').subarray(1))?.end, 6);
});

test('property: fields cover the section without a gap, and joining them gives it back', () => {
  const line = fc
    .oneof(fc.string(), fc.constantFrom('A: b', ' folded', '\t', '', 'a\rb: c', 'a\nb: c', ':'))
    .map((text) => text.replaceAll('\r\n', ''));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, isEnded) => {
      const bytes = utf8(lines.join('\r\n') + (isEnded ? '\r\n' : ''));
      const fields = splitHeader(bytes);
      let at = 0;
      for (const field of fields) {
        assert.equal(field.start, at);
        assert.ok(field.end > field.start && field.value >= field.start && field.value <= field.end);
        at = field.end;
      }
      assert.equal(at, bytes.length);
      assert.deepEqual(concat(fields.map(({ start, end }) => bytes.subarray(start, end))), bytes);
    }),
  );
});

test('unfolding keeps the blank that the line began with', () => {
  assert.equal(unfold(' a\r\n b\r\n\tc \r\n'), 'a b\tc');
});
