import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makePeople } from './people.ts';
import { basePlan } from './scenario.ts';
import type { PortCall } from './storage.ts';
import { runWorld, World, type WorldPlan } from './world.ts';

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

describe('a relay that crashes', async () => {
  const people = await makePeople();
  const plan = basePlan(people);

  test('without a crash everything arrives once, and nothing is left even without a restart', async () => {
    const world = new World(plan, people);
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
  });

  test('is the same each time', async () => {
    const [one, other] = [await runWorld(plan, people), await runWorld(plan, people)];
    assert.deepEqual(one.lines, other.lines);
  });

  test('loses nothing that was answered 250, at whatever call of the storage it crashes', async () => {
    const calls = await callsOf(plan);
    assert.ok(calls.length > 150);
    const found: string[] = [];
    for (const { name, number } of calls) {
      for (const when of READS.has(name) ? (['before'] as const) : (['before', 'after'] as const)) {
        const world = await runWorld(
          { ...plan, fate: (call) => (call.number === number ? { kind: 'crash', when } : { kind: 'well' }) },
          people,
        );
        assert.ok(
          world.lines.some((line) => line.endsWith(' crashes')),
          `call ${number} was not reached`,
        );
        for (const violation of world.witness.violations) found.push(`${when} call ${number}, ${name}: ${violation}`);
      }
    }
    assert.deepEqual(found, []);
  });

  async function callsOf(calm: WorldPlan): Promise<readonly PortCall[]> {
    const calls: PortCall[] = [];
    const world = new World(
      {
        ...calm,
        fate(call) {
          calls.push(call);
          return { kind: 'well' };
        },
      },
      people,
    );
    await world.run();
    return calls;
  }
});
