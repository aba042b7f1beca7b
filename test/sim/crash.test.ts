import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makePeople } from './people.ts';
import { plants } from './plants.ts';
import { basePlan } from './scenario.ts';
import type { Fate, PortCall } from './storage.ts';
import { runWorld, World, type WorldPlan } from './world.ts';

const WELL: Fate = { kind: 'well' };

/** Calls that leave what is on disk as it was: to crash before their effect and after it is the same. */
const READS: ReadonlySet<string> = new Set([
  'due',
  'nextDue',
  'contents',
  'contentRefs',
  'lastId',
  'content.read',
  'content.refs',
]);

describe('a relay that ends at any moment', async () => {
  const people = await makePeople();
  const plan = basePlan(people);
  const calls = await callsOf(plan);

  /** What is wrong in worlds that differ from the plan at one call each. */
  async function wrongAt(
    chosen: readonly PortCall[],
    change: (number: number) => Partial<WorldPlan>,
    label: string,
  ): Promise<string[]> {
    const found: string[] = [];
    for (const { name, number } of chosen) {
      const world = await runWorld({ ...plan, ...change(number) }, people);
      for (const violation of world.witness.violations) found.push(`${label} call ${number}, ${name}: ${violation}`);
    }
    return found;
  }

  async function callsOf(calm: WorldPlan): Promise<readonly PortCall[]> {
    const made: PortCall[] = [];
    const world = new World({ ...calm, fate: (call) => (made.push(call), WELL) }, people);
    await world.run();
    return made;
  }

  test('without a crash everything arrives once, at once, and nothing is left even without a restart', async () => {
    const world = new World({ ...plan, actions: [] }, people);
    await world.run();
    assert.deepEqual(await world.storage.contents.refs(), []);
    await world.finish();
    assert.deepEqual(world.witness.violations, []);
    assert.deepEqual(
      world.troubles.filter((one) => !one.includes('null reverse-path')),
      [],
    );
    const { arrivals, submissions } = world.witness;
    assert.equal(submissions.length, 21);
    assert.ok(arrivals.some(({ content }) => content.length > 60_000));
    assert.ok(arrivals.some(({ content }) => content.includes('\r\nAction: failed\r\n')));
    assert.ok(arrivals.some(({ content }) => content.includes('\r\nAction: relayed\r\n')));
    const answers = new Set(submissions.flatMap(({ recipients }) => recipients.map(({ answer }) => answer)));
    assert.deepEqual([...answers].toSorted(), ['accepted', 'lost', 'refused']);
    for (const { at, event } of world.events) {
      if (event.kind !== 'accepted') continue;
      const attempt = world.events.find((one) => one.event.kind === 'attempted' && one.event.id === event.id);
      assert.ok(
        attempt !== undefined && attempt.at - at < 1_000,
        `${event.messageId} waited, although a bell was rung`,
      );
    }
  });

  test('is the same each time', async () => {
    const [one, other] = [await runWorld(plan, people), await runWorld(plan, people)];
    assert.deepEqual(one.lines, other.lines);
  });

  test('loses nothing when a bell gets lost', async () => {
    const world = await runWorld({ ...plan, rings: false }, people);
    assert.deepEqual(world.witness.violations, []);
  });

  test('loses nothing when the clock steps back while it is down', async () => {
    const by = -3_600_000;
    const actions = [
      { at: 125, kind: 'step-clock', by },
      { at: 126, kind: 'kill' },
    ] as const;
    const world = await runWorld({ ...plan, actions }, people);
    assert.deepEqual(world.witness.violations, []);
  });

  test('loses nothing that was answered 250, at whatever call of the storage it crashes', async () => {
    assert.ok(calls.length > 150);
    const crash =
      (when: 'before' | 'after') =>
      (number: number): Partial<WorldPlan> => ({
        fate: (call) => (call.number === number ? { kind: 'crash', when } : WELL),
      });
    assert.deepEqual(await wrongAt(calls, crash('before'), 'crash before'), []);
    assert.deepEqual(
      await wrongAt(
        calls.filter(({ name }) => !READS.has(name)),
        crash('after'),
        'crash after',
      ),
      [],
    );
  });

  test('delivers nothing twice when it is ended in good order, at whatever call', async () => {
    const found = await wrongAt(
      calls.filter(({ name }) => !READS.has(name)),
      (number) => ({ fate: (call, world) => (call.number === number && world.act({ kind: 'restart' }), WELL) }),
      'restart at',
    );
    assert.deepEqual(found, []);
  });

  test('takes nothing from a holder who is withdrawn, at whatever call that is', async () => {
    const holder = people.alice.record;
    const found = await wrongAt(
      calls.filter(({ name }) => name === 'accept' || name.startsWith('content.')),
      (number) => ({
        fate: (call, world) => (call.number === number && world.act({ kind: 'withdraw', holder }), WELL),
      }),
      'withdrawn at',
    );
    assert.deepEqual(found, []);
  });

  describe('is found out', () => {
    for (const [bug, plant] of Object.entries(plants)) {
      test(`when its storage ${bug}`, async () => {
        const world = await runWorld({ ...plan, plant }, people);
        let found = world.witness.violations;
        for (const { name, number } of calls) {
          if (found.length > 0) break;
          if (name === 'accept') found = await wrongAtCrash(number);
        }
        assert.notDeepEqual(found, []);

        async function wrongAtCrash(number: number): Promise<string[]> {
          const fate = (call: PortCall): Fate => (call.number === number ? { kind: 'crash', when: 'before' } : WELL);
          return (await runWorld({ ...plan, plant, fate }, people)).witness.violations;
        }
      });
    }
  });
});
