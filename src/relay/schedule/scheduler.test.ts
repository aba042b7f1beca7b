import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '../../base/fault.ts';
import type { Id } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import { memorySpool } from '../../storage/memory/spool.ts';
import { fakeClock } from '../../../test/fakes/clock.ts';
import { LANES } from '../spool/spool.ts';
import { laneOf } from './lane.ts';
import { deferred, delivered, failed, interceptedSpool, noConnection, rig, usualSettings } from './rig.suite.ts';

describe('scheduler', () => {
  test('mail that is there at the start and mail that comes later is delivered once, with its content', async () => {
    const it = rig();
    await it.accept(['bob@example.org'], { content: 'first' });
    await it.scheduler.start();
    await it.clock.advance(20);
    await it.accept(['carol@example.com'], { content: 'second' });
    await it.clock.advance(20);
    await it.scheduler.idle();
    assert.deepEqual(it.carrier.contents, ['first', 'second']);
    assert.deepEqual(
      it.carrier.attempts.map(({ recipient }) => recipient),
      ['bob@example.org', 'carol@example.com'],
    );
    assert.equal((await it.spool.counts()).deliveries, 0);
    assert.deepEqual(it.scheduler.load(), { active: 0, waiting: 0, unsettled: 0 });
    await it.end();
  });

  test('without a ring the poll finds it', async () => {
    const it = rig({ rings: false });
    await it.scheduler.start();
    await it.clock.advance(50);
    await it.accept(['bob@example.org']);
    await it.clock.advance(900);
    assert.equal(it.carrier.attempts.length, 0);
    await it.clock.advance(100);
    assert.equal(it.carrier.attempts.length, 1);
    await it.end();
  });

  test('recipients of one entry and destination go out together, up to the limit', async () => {
    const it = rig({ settings: { recipientsPerTransaction: 3 } });
    await it.accept(['a@example.org', 'b@example.org', 'x@example.com', 'c@example.org', 'd@example.org']);
    await it.scheduler.start();
    await it.clock.advance(100);
    assert.deepEqual(
      it.carrier.shipments
        .map(({ recipients }) => recipients.map(({ address }) => address))
        .toSorted((a, b) => b.length - a.length || (a[0] as string).localeCompare(b[0] as string)),
      [['a@example.org', 'b@example.org', 'c@example.org'], ['d@example.org'], ['x@example.com']],
    );
    await it.end();
  });

  test('a row committed late, before the cursor, is found though much is under way', async () => {
    const it = rig();
    it.carrier.span = 60_000;
    await it.scheduler.start();
    await it.clock.advance(100);
    const late = it.entry(['late@example.org']);
    await it.clock.advance(5);
    for (let i = 0; i < 40; i++) await it.accept([`r${i}@example.org`]);
    await it.clock.advance(5);
    await it.spool.accept([late]);
    await it.clock.advance(5);
    for (let i = 0; i < 3; i++) await it.accept([`s${i}@example.org`]);
    await it.clock.advance(600);
    assert.equal(it.scheduler.load().active + it.scheduler.load().waiting, 44);
    await it.end();
  });

  test('limits hold, and each destination has its turn', async () => {
    const it = rig({ settings: { concurrency: 6, concurrencyByDestination: 4 } });
    for (let i = 0; i < 60; i++) await it.accept([`r${i}@big.example`]);
    for (let i = 0; i < 3; i++) await it.accept([`r${i}@small${i}.example`]);
    await it.scheduler.start();
    await it.clock.advance(35);
    const small = it.carrier.attempts.filter(({ dest }) => dest !== 'big.example');
    assert.equal(small.length, 3, 'the small ones did not wait for the big one');
    await it.clock.advance(1_000);
    assert.equal(it.carrier.most, 6);
    assert.equal(it.carrier.mostTo, 4);
    assert.equal(it.carrier.deliveries.size, 63);
    await it.end();
  });

  test('a backlog stays in the store, and another destination of its lane goes past it', async () => {
    const lane = laneOf('big.example');
    let other = '';
    for (let i = 0; other === ''; i++) if (laneOf(`n${i}.example`) === lane) other = `n${i}.example`;
    let read = 0;
    const it = rig({
      settings: { concurrency: 20, concurrencyByDestination: 5 },
      wrap: (spool) =>
        interceptedSpool(
          spool,
          () => {},
          (call, result) => {
            if (call === 'due') read += (result as unknown[]).length;
          },
        ),
    });
    await it.spool.accept(Array.from({ length: 2_000 }, (_, i) => it.entry([`r${i}@big.example`])));
    await it.scheduler.start();
    await it.clock.advance(100);
    await it.accept([`x@${other}`]);
    await it.clock.advance(200);
    assert.ok(it.scheduler.load().waiting < 500, `holds ${it.scheduler.load().waiting} rows`);
    assert.equal(it.carrier.attempts.filter(({ dest }) => dest === other).length, 1);
    await it.clock.advance(4_500);
    assert.equal(it.carrier.deliveries.size, 2_001);
    assert.ok(read < 2_001 * 3, `read ${read} rows for 2001`);
    await it.end();
  });

  test('a recipient put off is tried again by the backoff, and the scheduler wakes for it', async () => {
    const it = rig({ settings: { jitter: 0, firstRetry: 1_000, longestRetry: 3_000, poll: 3_600_000 } });
    it.carrier.behave = (_, __, n) => (n < 5 ? deferred : delivered);
    await it.scheduler.start();
    await it.clock.advance(10);
    await it.accept(['bob@example.org']);
    await it.clock.advance(60_000);
    const times = it.carrier.attempts.map(({ at }) => at);
    assert.equal(times.length, 5);
    const gaps = times.slice(1).map((at, i) => at - (times[i] as number) - it.carrier.span);
    for (const [i, wait] of [1_000, 2_000, 3_000, 3_000].entries())
      assert.ok((gaps[i] as number) >= wait && (gaps[i] as number) <= wait + 2, `${gaps[i]} for ${wait}`);
    await it.end();
  });

  test('a scheduler that starts again wakes for what was put off before', async () => {
    const clock = fakeClock();
    const spool = memorySpool({ clock });
    const it = rig({ clock, spool, settings: { poll: 3_600_000 } });
    const entry = it.entry(['bob@example.org'], { at: clock.now() + 60_000 });
    await spool.accept([entry]);
    await it.scheduler.start();
    await it.clock.advance(59_000);
    assert.equal(it.carrier.attempts.length, 0);
    await it.clock.advance(2_000);
    assert.equal(it.carrier.attempts.length, 1);
    await it.end();
  });

  test('a destination without connection is left alone, then probed once, then its mail flows', async () => {
    const it = rig({ settings: { jitter: 0 } });
    let up = false;
    it.carrier.behave = (shipment) => (up || shipment.dest !== 'down.example' ? delivered : noConnection());
    await it.scheduler.start();
    for (let i = 0; i < 40; i++) await it.accept([`r${i}@down.example`]);
    await it.clock.advance(1_000);
    const first = it.carrier.attempts.length;
    assert.equal(first, 10, 'what was under way together');
    await it.accept(['x@up.example']);
    await it.accept(['later@down.example']);
    await it.clock.advance(50_000);
    assert.equal(it.carrier.attempts.length, first + 1, 'only the other destination');
    assert.equal(it.scheduler.load().waiting, 0, 'its rows are not kept in memory');
    up = true;
    await it.clock.advance(10_000);
    assert.equal(it.carrier.deliveries.size, 1 + 31, 'all that were not tried themselves');
    await it.clock.advance(400_000);
    assert.equal(it.carrier.deliveries.size, 42);
    await it.end();
  });

  test('a probe is one attempt, and when it fails the rest is put off without one', async () => {
    const it = rig({ settings: { jitter: 0 } });
    it.carrier.behave = () => noConnection();
    await it.scheduler.start();
    for (let i = 0; i < 40; i++) await it.accept([`r${i}@down.example`]);
    await it.clock.advance(1_000);
    assert.equal(it.carrier.attempts.length, 10);
    await it.clock.advance(60_000);
    assert.equal(it.carrier.attempts.length, 11);
    const summary = await it.spool.list({}, 100);
    for (const { deliveries } of summary)
      for (const { due, attempts } of deliveries) {
        assert.equal(attempts, 1);
        assert.ok(due > it.clock.now());
      }
    // New mail meanwhile has its first wait at once.
    await it.accept(['new@down.example']);
    await it.clock.advance(100);
    assert.equal(it.carrier.attempts.length, 11);
    assert.match(it.told('attempted').at(-1)?.status ?? '', /^4\.4\.1 .*not tried/);
    await it.end();
  });

  test('an operator who says retry is not kept waiting by the pause of a destination', async () => {
    for (const failures of [1, 2]) {
      const it = rig({ settings: { jitter: 0 } });
      let up = false;
      it.carrier.behave = () => (up ? delivered : noConnection());
      await it.scheduler.start();
      for (let i = 0; i < 40; i++) await it.accept([`r${i}@down.example`]);
      await it.clock.advance(failures === 1 ? 1_000 : 61_000);
      assert.equal(it.carrier.attempts.length, failures === 1 ? 10 : 11);
      up = true;
      it.scheduler.retry();
      await it.spool.retry({}, it.clock.now());
      await it.clock.advance(1_000);
      assert.equal(it.carrier.deliveries.size, 40, `after ${failures}`);
      await it.end();
    }
  });

  test('mail to a destination that stays down expires with a notice', async () => {
    const it = rig({ settings: { expiry: 86_400_000, delayNotice: 0, poll: 1_200_000 } });
    it.carrier.behave = (shipment) => (shipment.dest === 'down.example' ? noConnection() : delivered);
    await it.scheduler.start();
    for (let i = 0; i < 30; i++) await it.accept([`r${i}@down.example`]);
    await it.clock.advance(86_400_000 + 2_400_000);
    assert.equal((await it.spool.counts()).deliveries, 0);
    assert.equal(it.told('notified').length, 30);
    assert.equal(it.told('attempted').filter(({ outcome }) => outcome === 'expired').length, 30);
    await it.end();
  });

  test('stop waits for what is under way, then breaks it off and leaves it due', async () => {
    const it = rig();
    it.carrier.span = 5_000;
    await it.scheduler.start();
    await it.accept(['quick@example.org']);
    await it.clock.advance(4_000);
    await it.accept(['slow@example.org']);
    await it.clock.advance(10);
    let stopped = false;
    const stopping = it.scheduler.stop(2_000).then(() => (stopped = true));
    await it.accept(['new@example.org']);
    await it.clock.advance(1_990);
    assert.equal(stopped, false);
    await it.clock.advance(100);
    await stopping;
    assert.deepEqual(
      it.carrier.attempts.map(({ recipient }) => recipient),
      ['quick@example.org', 'slow@example.org'],
    );
    assert.deepEqual(
      (await it.spool.list({}, 10)).flatMap(({ deliveries }) =>
        deliveries.map(({ recipient, attempts }) => `${recipient} ${attempts}`),
      ),
      ['slow@example.org 0', 'new@example.org 0'],
    );
    assert.equal((await it.spool.claimLanes(2, LANES, it.clock.now(), 1_000)).length, LANES, 'the lanes are free');
  });

  test('nothing starts under a lease that is nearly over, and it goes on with the next', async () => {
    let failing = false;
    const it = rig({
      wrap: (spool) =>
        interceptedSpool(spool, (call) => {
          if (failing && call === 'renewLanes') throw new Fault(statuses['storage-failed'], 'no answer');
        }),
    });
    await it.scheduler.start();
    await it.clock.advance(4_000);
    failing = true;
    await it.clock.advance(5_000);
    await it.accept(['early@example.org']);
    await it.clock.advance(100);
    assert.equal(it.carrier.attempts.length, 1, '6 s are left');
    await it.clock.advance(2_000);
    await it.accept(['bob@example.org']);
    await it.clock.advance(60_000);
    assert.equal(it.carrier.attempts.length, 1, 'less than 5 s are left, then none');
    assert.ok(it.told('trouble').length > 0);
    failing = false;
    await it.clock.advance(2_000);
    assert.equal(it.carrier.attempts.length, 2);
    await it.end();
  });

  test('lanes of another worker are not touched until its lease runs out', async () => {
    const clock = fakeClock();
    const spool = memorySpool({ clock });
    await spool.claimLanes(2, LANES, clock.now(), 20_000);
    const it = rig({ clock, spool });
    await it.accept(['bob@example.org']);
    await it.scheduler.start();
    await clock.advance(19_000);
    assert.equal(it.carrier.attempts.length, 0);
    await clock.advance(7_000);
    assert.equal(it.carrier.attempts.length, 1);
    await it.end();
  });

  test('a wall clock that steps does not hurt leases or lose mail', async () => {
    const it = rig();
    await it.scheduler.start();
    await it.clock.advance(100);
    it.clock.stepWall(-3_600_000);
    await it.accept(['bob@example.org']);
    await it.clock.advance(2_000);
    assert.equal(it.carrier.deliveries.size, 1);
    it.clock.stepWall(7_200_000);
    await it.accept(['carol@example.org']);
    await it.clock.advance(2_000);
    assert.equal(it.carrier.deliveries.size, 2);
    await it.end();
  });

  test('content that is gone is a failure told to the reverse-path, and a carrier that throws loses nothing', async () => {
    const it = rig({ settings: { jitter: 0 } });
    await it.accept(['bob@example.org'], { stored: 'nothing' });
    await it.scheduler.start();
    await it.clock.advance(100);
    assert.match(it.told('attempted')[0]?.status ?? '', /^5\.3\.0/);
    assert.equal(it.told('notified').length, 1);
    it.carrier.behave = () => {
      throw new Error('a bug');
    };
    await it.accept(['carol@example.org']);
    await it.clock.advance(100);
    assert.equal(it.told('attempted').at(-1)?.outcome, 'deferred');
    it.carrier.behave = () => delivered;
    await it.clock.advance(400_000);
    assert.equal(it.carrier.deliveries.size, 2);
    await it.end();
  });

  test('while the store refuses ends, little is started and nothing is lost', async () => {
    let failing = true;
    const it = rig({
      wrap: (spool) =>
        interceptedSpool(spool, (call) => {
          if (failing && call === 'settle') throw new Fault(statuses['storage-failed'], 'disk is gone');
        }),
    });
    for (let i = 0; i < 100; i++) await it.accept([`r${i}@d${i % 20}.example`]);
    await it.scheduler.start();
    await it.clock.advance(30_000);
    assert.ok(it.carrier.attempts.length <= 2 * usualSettings.concurrency, `${it.carrier.attempts.length} attempts`);
    failing = false;
    await it.clock.advance(30_000);
    assert.equal(it.carrier.deliveries.size, 100);
    for (const times of it.carrier.deliveries.values()) assert.equal(times, 1);
    assert.equal((await it.spool.counts()).entries, 0);
    await it.end();
  });

  test('property: any mix of outcomes and refused calls settles each recipient exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            dest: fc.nat(4),
            recipients: fc.integer({ min: 1, max: 5 }),
            wait: fc.nat(400),
            late: fc.boolean(),
          }),
          { minLength: 1, maxLength: 25 },
        ),
        fc.array(fc.constantFrom('d', 'd', 'd', 'r', 'f', 'c'), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(9), { minLength: 1, maxLength: 30 }),
        async (entries, script, refusals) => {
          let calls = 0;
          let quiet = false;
          const refuse = (): void => {
            if (!quiet && refusals[calls++ % refusals.length] === 0)
              throw new Fault(statuses['storage-failed'], 'not now');
          };
          const it = rig({
            settings: {
              concurrency: 4,
              concurrencyByDestination: 2,
              recipientsPerTransaction: 2,
              firstRetry: 2_000,
              longestRetry: 8_000,
              delayNotice: 0,
            },
            // Some calls fail before they did anything, some after: their outcome is unknown to us.
            wrap: (spool) =>
              interceptedSpool(
                spool,
                (call) => (call === 'claimLanes' || call === 'releaseLanes' ? undefined : refuse()),
                (call) => (call === 'settle' ? refuse() : undefined),
              ),
          });
          let step = 0;
          const finals = new Map<Id, number>();
          it.carrier.behave = (_, recipient) => {
            const what = quiet ? 'd' : script[step++ % script.length];
            const outcome = what === 'd' ? delivered : what === 'f' ? failed : what === 'r' ? deferred : noConnection();
            if (outcome.kind !== 'deferred') finals.set(recipient.id, (finals.get(recipient.id) ?? 0) + 1);
            return outcome;
          };
          quiet = true;
          await it.scheduler.start();
          quiet = false;
          const ids: Id[] = [];
          const late: ReturnType<typeof it.entry>[] = [];
          for (const { dest, recipients, wait, late: isLate } of entries) {
            const made = it.entry(
              Array.from({ length: recipients }, (_, i) => `r${i}@d${dest}.example`),
              { notify: 'never' },
            );
            ids.push(...made.deliveries.map(({ id }) => id));
            await it.clock.advance(wait);
            if (isLate) late.push(made);
            else await ((quiet = true), it.spool.accept([made]));
            quiet = false;
            it.scheduler.ring(new Set(made.deliveries.map(({ lane }) => lane)));
          }
          quiet = true;
          await it.spool.accept(late);
          quiet = false;
          await it.clock.advance(30_000);
          quiet = true;
          await it.clock.advance(200_000);
          assert.deepEqual(await it.spool.counts(), { entries: 0, deliveries: 0, held: 0, oldest: undefined });
          assert.deepEqual(
            [...finals.keys()].toSorted((a, b) => a - b),
            ids.toSorted((a, b) => a - b),
          );
          for (const [id, times] of finals) assert.equal(times, 1, `delivery ${id}`);
          assert.deepEqual(it.scheduler.load(), { active: 0, waiting: 0, unsettled: 0 });
          await it.end();
        },
      ),
      { numRuns: 20 },
    );
  });

  test('property: a crash at any store call delivers once or again and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 60 }), fc.boolean(), async (crashAt, isAfter) => {
        const clock = fakeClock();
        const spool = memorySpool({ clock });
        let calls = 0;
        let dead = false;
        const crash = async (): Promise<void> => {
          if (dead || ++calls === crashAt) {
            dead = true;
            await new Promise(() => {}); // a process that is gone hears no answer
          }
        };
        const first = rig({
          clock,
          spool,
          wrap: (inner) => interceptedSpool(inner, isAfter ? () => {} : crash, isAfter ? crash : () => {}),
        });
        const made = Array.from({ length: 30 }, (_, i) => first.entry([`r${i}@d${i % 3}.example`]));
        void first.scheduler.start();
        for (const entry of made) {
          await spool.accept([entry]);
          await clock.advance(20);
        }
        await clock.advance(2_000);
        dead = true;
        const second = rig({ clock, spool });
        await second.scheduler.start();
        await clock.advance(20_000);
        assert.equal((await spool.counts()).deliveries, 0);
        for (const { deliveries } of made)
          for (const { id, recipient } of deliveries) {
            const times = (first.carrier.deliveries.get(id) ?? 0) + (second.carrier.deliveries.get(id) ?? 0);
            assert.ok(times === 1 || times === 2, `${recipient} delivered ${times} times`);
          }
        await second.end();
      }),
      { numRuns: 30 },
    );
  });
});
