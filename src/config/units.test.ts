import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DURATION_PATTERN, SIZE_PATTERN, formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

test('times with units', () => {
  assert.equal(parseDuration('30s'), 30_000);
  assert.equal(parseDuration('5m'), 300_000);
  assert.equal(parseDuration('4d'), 345_600_000);
  assert.equal(parseDuration('1h30m'), 5_400_000);
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('1m5ms'), 60_005);
  assert.equal(parseDuration('0'), 0);
});

test('what is no time', () => {
  for (const text of ['', '5', '5 m', 'm', '-5m', '1.5h', '5M', '5min', '99999999999w', 'undefined']) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test('sizes, with and without unit', () => {
  assert.equal(parseSize('64KB'), 65_536);
  assert.equal(parseSize('50 mb'), 52_428_800);
  assert.equal(parseSize('1GB'), 1_073_741_824);
  assert.equal(parseSize('512'), 512);
  assert.equal(parseSize('512B'), 512);
});

test('what is no size', () => {
  for (const text of ['', 'KB', '-1', '1.5MB', '5K', '1TB', '99999999999999GB'])
    assert.equal(parseSize(text), undefined, text);
});

test('property: what is formatted is read back, and fits the pattern of the JSON Schema', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (value) => {
      assert.equal(parseDuration(formatDuration(value)), value);
      assert.match(formatDuration(value), new RegExp(DURATION_PATTERN));
      assert.equal(parseSize(formatSize(value)), value);
      assert.match(formatSize(value), new RegExp(SIZE_PATTERN));
    }),
  );
});
