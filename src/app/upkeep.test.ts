import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeClock } from '../../test/fakes/clock.ts';
import type { RelayEvent } from '../base/event.ts';
import { startUpkeep, tasks, type Task, type UpkeepContext } from './upkeep.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Tasks that count their runs. */
function rig(...periods: readonly number[]) {
  const clock = fakeClock();
  const events: RelayEvent[] = [];
  const runs = periods.map(() => 0);
  const failing = new Set<number>();
  const list: Task[] = periods.map((every, index) => ({
    name: `task ${index}`,
    every,
    async run() {
      runs[index] = (runs[index] ?? 0) + 1;
      if (failing.has(index)) throw new Error(`no ${index}`);
    },
  }));
  const context = {} as UpkeepContext;
  const start = () =>
    startUpkeep({ tasks: list, context: () => context, clock, events: { tell: (one) => events.push(one) } });
  return { clock, events, runs, failing, start };
}

describe('upkeep', () => {
  test('each task runs at the start and then as often as it says', async () => {
    const { clock, runs, start } = rig(5 * MINUTE, HOUR, DAY);
    const upkeep = start();
    await clock.settle();
    assert.deepEqual(runs, [1, 1, 1]);
    await clock.advance(HOUR);
    assert.deepEqual(runs, [13, 2, 1]);
    await clock.advance(DAY);
    assert.equal(runs[2], 2);
    await upkeep.stop();
    const before = [...runs];
    await clock.advance(DAY);
    assert.deepEqual(runs, before);
    assert.equal(clock.pending(), 0);
  });

  test('one that fails is told, tried again at its next time, and stops no other', async () => {
    const { clock, events, failing, runs, start } = rig(HOUR, HOUR);
    failing.add(0);
    const upkeep = start();
    await clock.settle();
    assert.deepEqual(events, [{ kind: 'trouble', where: 'upkeep: task 0', detail: 'no 0' }]);
    assert.deepEqual(runs, [1, 1]);
    failing.clear();
    await clock.advance(HOUR);
    assert.deepEqual(runs, [2, 2]);
    assert.equal(events.length, 1);
    await upkeep.stop();
  });

  test('a machine that slept for a month catches up once; a clock set back by a year stops nothing', async () => {
    const { clock, runs, start } = rig(HOUR);
    const upkeep = start();
    await clock.settle();
    clock.stepWall(30 * DAY);
    await clock.advance(MINUTE);
    assert.deepEqual(runs, [2]);
    await clock.advance(HOUR);
    assert.deepEqual(runs, [3]);
    clock.stepWall(-365 * DAY);
    await clock.advance(MINUTE);
    assert.deepEqual(runs, [4]);
    await upkeep.stop();
  });

  test('the end waits for the task under way', async () => {
    const clock = fakeClock();
    const gate = Promise.withResolvers<void>();
    let ended = false;
    const slow: Task = { name: 'slow', every: HOUR, run: () => gate.promise };
    const never: Task = { name: 'never', every: HOUR, run: () => Promise.reject(new Error('not after the stop')) };
    const events: RelayEvent[] = [];
    const parts = {
      context: () => ({}) as UpkeepContext,
      clock,
      events: { tell: (one: RelayEvent) => events.push(one) },
    };
    const stop = startUpkeep({ ...parts, tasks: [slow, never] }).stop();
    void stop.then(() => (ended = true));
    await clock.settle();
    assert.equal(ended, false);
    gate.resolve();
    await stop;
    assert.deepEqual(events, []);
  });

  test('the table names each of the tasks once', () => {
    const names = tasks.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(
      names.includes('server certificate') && names.indexOf('server certificate') < names.indexOf('end of overlaps'),
    );
  });
});
