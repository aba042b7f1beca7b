import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairs, safe, size, span, table, time, width } from './output.ts';

test('columns line up, wide characters included, and no line ends with blanks', () => {
  assert.equal(
    table(
      ['A', 'N', 'B'],
      [
        ['持ち主', '1', ''],
        ['x', '22', 'y'],
      ],
      ['left', 'right'],
    ),
    'A        N  B\n持ち主   1\nx       22  y\n',
  );
});

test('width', () => {
  assert.equal(width('abc'), 3);
  assert.equal(width('例え'), 4);
  assert.equal(width('e\u0301'), 1);
});

test('pairs', () => {
  assert.equal(
    pairs([
      ['Name', 'x'],
      ['', 'y'],
      ['N', 'z'],
    ]),
    'Name: x\n      y\nN:    z\n',
  );
});

test('times, spans, sizes', () => {
  assert.equal(time(1_795_486_908_000), '2026-11-24 02:21Z');
  assert.deepEqual([5_000, 99_000, 100_000, 5_900_000, 7_200_000, 200_000_000, -5].map(span), [
    '5s',
    '99s',
    '2m',
    '98m',
    '2h',
    '2d',
    '0s',
  ]);
  assert.deepEqual([0, 1_023, 1_024, 50_000, 52_428_800].map(size), ['0B', '1023B', '1.0KB', '49KB', '50.0MB']);
});

test('control characters become visible', () => {
  assert.equal(safe('a\u001b[2J\r\nb\u009b例'), 'a\\x1b[2J\\x0d\\x0ab\\x9b例');
});
