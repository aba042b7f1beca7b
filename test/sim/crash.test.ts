import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makePeople } from './people.ts';
import { plants } from './plants.ts';
import { basePlan } from './scenario.ts';
import type { Fate, PortCall } from './storage.ts';
import { callsOf, sweepApart, type Happening, type Swept } from './sweep.ts';
import { runWorld, World } from './world.ts';

const WELL: Fate = { kind: 'well' };

describe('a relay that ends at any moment', async () => {
  const people = await makePeople();
  const plan = basePlan(people);
  let sweeping: Promise<readonly Swept[]> | undefined;

  async function swept(happening: Happening): Promise<Swept> {
    const all = await (sweeping ??= sweepApart());
    const one = all.find((each) => each.happening === happening);
    assert.ok(one !== undefined);
    return one;
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
    const [before, after] = [await swept('crash before'), await swept('crash after')];
    assert.deepEqual([...before.found, ...after.found], []);
    assert.ok(before.worlds > 150 && after.worlds > 60, `${before.worlds} and ${after.worlds} worlds`);
  });

  test('delivers nothing twice when it is ended in good order, at whatever call', async () => {
    const { found, worlds } = await swept('restart');
    assert.deepEqual(found, []);
    assert.ok(worlds > 60);
  });

  test('takes nothing from a holder who is withdrawn, at whatever call that is', async () => {
    const { found, worlds } = await swept('withdraw');
    assert.deepEqual(found, []);
    assert.ok(worlds > 30);
  });

  describe('is found out', () => {
    for (const [bug, plant] of Object.entries(plants)) {
      test(`when its storage ${bug}`, async () => {
        const world = await runWorld({ ...plan, plant }, people);
        let found = world.witness.violations;
        const calls = found.length > 0 ? [] : await callsOf(people);
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
