import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Notify } from '../../src/protocol/smtp/server-event.ts';
import type { DomainPlan } from './hops.ts';
import { makePeople } from './people.ts';
import { World, type Action } from './world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const domains: readonly DomainPlan[] = [
  { name: 'example.net', dns: 'mx', hosts: [{ name: 'home.example.net', address: '198.51.100.1', preference: 10 }] },
  {
    name: 'dead.example',
    dns: 'mx',
    hosts: [{ name: 'mx.dead.example', address: '198.51.100.2', preference: 10, upFrom: 30 * DAY }],
  },
];

describe('a destination that is dead for six days', async () => {
  const people = await makePeople();
  const told: readonly (Notify | undefined)[] = [undefined, ['delay', 'failure'], ['failure'], ['success'], 'never'];

  async function sixDays(actions: readonly Action[]): Promise<World> {
    const world = new World(
      {
        seed: 3,
        domains,
        actions,
        schedule: { poll: HOUR / 4, laneLease: 6 * HOUR, concurrency: 20, concurrencyByDestination: 20 },
        clients: [
          {
            name: 'alice',
            address: '192.0.2.7',
            role: 'submission',
            tls: people.alice.tls,
            tries: 1,
            messages: [
              {
                at: 0,
                reversePath: 'alice@example.net',
                recipients: told.map((notify, index) => ({
                  local: `r${index}`,
                  domain: 'dead.example',
                  ...(notify === undefined ? {} : { notify }),
                })),
                size: 5_000,
              },
              { at: 0, reversePath: '', recipients: [{ local: 'null', domain: 'dead.example' }], size: 100 },
            ],
          },
        ],
      },
      people,
    );
    await world.spend(6 * DAY);
    const left = await world.storage.spool.list({}, 10);
    assert.deepEqual(left, [], 'rows outlive their time');
    await world.finish();
    assert.deepEqual(world.witness.violations, []);
    return world;
  }

  /** What each recipient's notices tell, and after how many hours. */
  function notices(world: World): { readonly what: string; readonly after: number }[] {
    const start = world.witness.submissions[0]?.at ?? 0;
    return world.witness.arrivals
      .flatMap(({ at, content }) =>
        [...content.matchAll(/^Final-Recipient: rfc822; (r\d)\S*\r\nAction: (\w+)\r\nStatus: (\S+)/gm)].map(
          ([, who, action, status]) => ({ what: `${who} ${action} ${status}`, after: (at - start) / HOUR }),
        ),
      )
      .toSorted((a, b) => (a.what < b.what ? -1 : 1));
  }

  function assertTold(world: World): void {
    const told = notices(world);
    assert.deepEqual(
      told.map(({ what }) => what),
      ['r0 delayed 4.4.1', 'r0 failed 5.4.7', 'r1 delayed 4.4.1', 'r1 failed 5.4.7', 'r2 failed 5.4.7'],
    );
    for (const { after, what } of told) {
      // A delay is told by the next attempt: they are up to 88 minutes apart by then, and may wait for a poll.
      const [from, to] = what.includes('delayed') ? [4, 6] : [120, 120.5];
      assert.ok(after >= from && after <= to, `${what} after ${after} hours`);
    }
  }

  test('is told of once when mail is late, and once when it is given up', async () => {
    const world = await sixDays([]);
    assertTold(world);
    const attempts = world.events.filter(({ event }) => event.kind === 'attempted' && event.recipient.startsWith('r0'));
    // Five minutes, then twice that and so on, up to eighty minutes: about 95 attempts in five days.
    assert.ok(attempts.length > 60 && attempts.length < 130, `${attempts.length} attempts`);
  });

  test('the same with a restart or a crash each day', async () => {
    const actions: Action[] = [0.1, 0.17, 1, 2, 3, 4, 4.99, 5].map((day, index) => ({
      at: Math.round(day * DAY),
      kind: index % 2 === 0 ? 'restart' : 'kill',
    }));
    const world = await sixDays(actions);
    assert.equal(world.lives, actions.length + 2);
    assertTold(world);
  });
});
