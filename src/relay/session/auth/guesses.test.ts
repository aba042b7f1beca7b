import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Guesses, guessMemory } from './guesses.ts';

const MINUTE = 60_000;
const SEED = new Uint8Array(16).fill(9);

function rig(limits = { byAddress: 10, byName: 50, window: 10 * MINUTE }) {
  const time = { now: 1_800_000_000_000 };
  const memory = guessMemory(SEED, time.now);
  // Two front threads.
  const [one, other] = [1, 2].map(
    () =>
      new Guesses(
        memory,
        () => time.now,
        () => limits,
      ),
  ) as [Guesses, Guesses];
  return { time, one, other };
}

describe('wrong passwords', () => {
  test('a client that tries without end is held to ten, then to one a minute, over all threads', () => {
    const { time, one, other } = rig();
    let tried = 0;
    for (let second = 0; second < 3_600; second++) {
      const guess = (second % 2 === 0 ? one : other).begin('192.0.2.1', `user${second % 7}`);
      guess?.wrong();
      if (guess !== undefined) tried += 1;
      time.now += 1_000;
    }
    assert.ok(tried >= 65 && tried <= 70, `${tried} guesses in an hour`);
  });

  test('guesses made at once count like others', () => {
    const { one } = rig();
    const open = Array.from({ length: 100 }, () => one.begin('192.0.2.1', 'alice'));
    assert.equal(open.filter((guess) => guess !== undefined).length, 10);
  });

  test('each waits longer for its answer', () => {
    const { one } = rig();
    const waits = Array.from({ length: 8 }, () => one.begin('192.0.2.1', 'alice')?.wrong());
    assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000]);
  });

  test('the holder logs in at once from elsewhere, however many try', () => {
    const { one, other } = rig();
    for (let host = 0; host < 250; host++)
      for (let times = 0; times < 12; times++) one.begin(`198.51.100.${host}`, 'alice')?.wrong();
    const guess = other.begin('192.0.2.9', 'alice');
    assert.ok(guess !== undefined);
    guess.right();
    assert.ok(other.begin('192.0.2.9', 'alice') !== undefined);
  });

  test('when many addresses try one name, each has one guess', () => {
    const { one } = rig();
    let tried = 0;
    for (let host = 0; host < 200; host++)
      for (let times = 0; times < 12; times++) {
        const guess = one.begin(`198.51.100.${host}`, 'alice');
        guess?.wrong();
        if (guess !== undefined && host >= 10) tried += 1;
      }
    assert.ok(tried >= 185 && tried <= 195, `${tried} of 190 addresses`);
  });

  test('who logged in from an address before is not held up by a neighbour there', () => {
    const { one } = rig();
    one.begin('192.0.2.1', 'alice')?.right();
    for (let times = 0; times < 50; times++) one.begin('192.0.2.1', 'mallory')?.wrong();
    assert.equal(one.begin('192.0.2.1', 'bob'), undefined);
    assert.ok(one.begin('192.0.2.1', 'alice') !== undefined);
  });

  test('right ones cost nothing', () => {
    const { one } = rig();
    for (let times = 0; times < 1_000; times++) {
      const guess = one.begin('192.0.2.1', 'alice');
      assert.ok(guess !== undefined);
      guess.right();
    }
  });

  test('a clock that is set back keeps nobody out for longer than the window', () => {
    const { time, one } = rig();
    for (let times = 0; times < 20; times++) one.begin('192.0.2.1', 'alice')?.wrong();
    time.now -= 86_400_000;
    time.now += 11 * MINUTE;
    one.begin('192.0.2.1', 'alice');
    time.now += 11 * MINUTE;
    assert.ok(one.begin('192.0.2.1', 'alice') !== undefined);
  });
});
