import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatDate, parseDate } from './date.ts';

test('a date as RFC 5322 §3.3 writes it', () => {
  assert.equal(formatDate(1_795_486_908_000, 0), 'Tue, 24 Nov 2026 02:21:48 +0000');
  assert.equal(formatDate(1_795_486_908_999, 540), 'Tue, 24 Nov 2026 11:21:48 +0900');
  assert.equal(formatDate(1_795_486_908_000, -210), 'Mon, 23 Nov 2026 22:51:48 -0330');
  assert.equal(formatDate(0, 0), 'Thu, 1 Jan 1970 00:00:00 +0000');
  assert.equal(formatDate(951_782_400_000, 0), 'Tue, 29 Feb 2000 00:00:00 +0000');
});

test('any moment is written as the platform itself writes it', () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_208_988_800, max: 253_402_214_400 }), (seconds) => {
      // toUTCString pads the day, which RFC 5322 leaves open.
      const expected = new Date(seconds * 1000)
        .toUTCString()
        .replace(/ 0(\d) /, ' $1 ')
        .replace('GMT', '+0000');
      assert.equal(formatDate(seconds * 1000, 0), expected);
    }),
  );
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -2_208_900_000, max: 253_402_200_000 }),
      fc.integer({ min: -720, max: 840 }),
      (seconds, offsetMinutes) => {
        assert.deepEqual(parseDate(formatDate(seconds * 1000, offsetMinutes)), { at: seconds * 1000, offsetMinutes });
      },
    ),
  );
});

test('obsolete forms are read, and what is no date is not', () => {
  const at = 1_795_486_908_000;
  assert.deepEqual(parseDate(' Tue , 24 Nov 26 02:21:48 GMT'), { at, offsetMinutes: 0 });
  assert.deepEqual(parseDate('24 Nov 2026 02:21:48 Z (a \\) (nested) comment)'), { at, offsetMinutes: 0 });
  assert.deepEqual(parseDate('Mon, 23\r\n Nov 2026 18 : 21:48 PST'), { at, offsetMinutes: -480 });
  assert.deepEqual(parseDate('24 nov 2026 02:21 -0000'), { at: at - 48_000, offsetMinutes: 0 });
  for (const text of [
    '',
    'tomorrow',
    'Tue, 31 Nov 2026 02:21:48 +0000',
    '29 Feb 2025 00:00:00 +0000',
    '24 Nov 2026 24:00:00 +0000',
    '24 Nov 2026 02:21:48 +0060',
    '24 Now 2026 02:21:48 +0000',
    '24 Nov 2026 02:21:48 +0000 (open',
  ]) {
    assert.equal(parseDate(text), undefined, text);
  }
});
