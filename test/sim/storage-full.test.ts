import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientPlan } from './client.ts';
import { makePeople, type People } from './people.ts';
import { domains } from './scenario.ts';
import type { Fate, PortCall } from './storage.ts';
import { World } from './world.ts';

const MINUTE = 60_000;

/** One small and one large message at each of these times. */
function writer(people: People, times: readonly number[]): ClientPlan {
  return {
    name: 'alice',
    address: '192.0.2.7',
    role: 'submission',
    tls: people.alice.tls,
    tries: 1,
    messages: times.flatMap((at) =>
      [300, 40_000].map((size) => ({
        at,
        reversePath: 'alice@example.net',
        recipients: [{ local: 'a', domain: 'alpha.example' }],
        size,
      })),
    ),
  };
}

describe('a storage that is full', async () => {
  const people = await makePeople();

  /** Refuses these calls until ten minutes have passed. */
  async function fullFor(names: readonly string[]): Promise<World> {
    const fate = ({ name }: PortCall, { since }: World): Fate =>
      names.includes(name) && since < 10 * MINUTE
        ? { kind: 'refuse', when: 'before', status: 'storage-full' }
        : { kind: 'well' };
    const world = new World(
      { seed: 1, domains, clients: [writer(people, [0, 2 * MINUTE, 12 * MINUTE])], fate },
      people,
    );
    await world.run();
    // Nothing is left of what was refused, with no restart that would sweep it.
    assert.deepEqual(await world.storage.contents.refs(), []);
    assert.equal(world.lives, 1);
    await world.finish();
    assert.deepEqual(world.witness.violations, []);
    return world;
  }

  const said = (world: World): string[] =>
    world.lines
      .flatMap((line) => / client \S+: (\d+ .*)$/.exec(line)?.[1] ?? [])
      .map((text) => text.replace(/^250 [0-9A-Z]{11} /, '250 '));
  const FULL = '452 Insufficient storage; try again later';
  const TAKEN = '250 Message accepted for delivery';

  test('is told as 452, acknowledges nothing, and takes mail again when there is room', async () => {
    const world = await fullFor(['accept']);
    assert.deepEqual(said(world), [FULL, FULL, FULL, FULL, TAKEN, TAKEN]);
    assert.equal(world.witness.arrivals.length, 2);
    assert.ok(world.troubles.every((one) => one.startsWith('message ')));
  });

  for (const name of ['content.write', 'content.finish']) {
    test(`refuses large content alone when ${name} is what fails`, async () => {
      const world = await fullFor([name]);
      assert.deepEqual(said(world), [TAKEN, FULL, TAKEN, FULL, TAKEN, TAKEN]);
      assert.equal(world.witness.arrivals.length, 4);
    });
  }

  test('holds up settlements and makes no duplicates', async () => {
    const world = await fullFor(['settle']);
    assert.deepEqual(said(world), [TAKEN, TAKEN, TAKEN, TAKEN, TAKEN, TAKEN]);
    assert.equal(world.witness.arrivals.length, 6);
    assert.ok(world.troubles.some((one) => one.includes('settlements were refused')));
  });

  test('keeps mail that cannot be read, and delivers it when it can', async () => {
    const world = await fullFor(['contents', 'content.read']);
    assert.equal(world.witness.arrivals.length, 6);
    assert.ok(world.events.some(({ event }) => event.kind === 'attempted' && event.outcome === 'deferred'));
  });
});
