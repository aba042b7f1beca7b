import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANES } from '../spool/spool.ts';
import { laneOf } from './lane.ts';

test('lanes of these destinations never change: spools in the field carry them', () => {
  const known: readonly (readonly [string, number])[] = [
    ['', 217],
    ['example.net', 213],
    ['mx.example.com:25', 164],
    ['xn--wgv71a119e.example', 185],
  ];
  assert.deepEqual(
    known.map(([dest]) => laneOf(dest)),
    known.map(([, lane]) => lane),
  );
});

test('destinations spread over all lanes evenly', () => {
  const counts = Array.from({ length: LANES }, () => 0);
  for (let i = 0; i < LANES * 100; i++) {
    const lane = laneOf(`host-${i}.example`);
    assert.ok(Number.isInteger(lane) && lane >= 0 && lane < LANES);
    counts[lane] = (counts[lane] as number) + 1;
  }
  for (const count of counts) assert.ok(count > 50 && count < 160, String(count));
});
