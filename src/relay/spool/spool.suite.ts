import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { fromLatin1, latin1 } from '../../base/bytes.ts';
import { Fault } from '../../base/fault.ts';
import { firstIdAt, type Id } from '../../base/id.ts';
import {
  HELD,
  LANES,
  type Due,
  type Lane,
  type NewDelivery,
  type NewEntry,
  type Settlement,
  type SpoolSignal,
  type SpoolStore,
} from './spool.ts';

/** Time at which the suite's entries are made. */
const T0 = 1_800_000_000_000;
const START = [0, 0] as const;

/** An id of the minter's form, `n` of one writer's. */
function at(n: number): Id {
  return firstIdAt(T0) + n;
}

type DeliveryOver = { readonly [K in keyof NewDelivery]?: NewDelivery[K] };
type EntryOver = { readonly [K in keyof NewEntry]?: NewEntry[K] };

/** A delivery with usual values. */
export function someDelivery(id: Id, over: DeliveryOver = {}): NewDelivery {
  return {
    id,
    lane: 7,
    dest: 'example.org',
    recipient: `r${id}@example.org`,
    notify: undefined,
    orcpt: undefined,
    due: T0,
    ...over,
  };
}

/** An entry with usual values: one delivery, whose id is `id + 1`, and inline content that names the id. */
export function someEntry(id: Id, over: EntryOver = {}): NewEntry {
  return {
    id,
    at: T0,
    envelope: { reversePath: 'alice@example.net', body: '8BITMIME', smtputf8: false, ret: undefined, envid: undefined },
    origin: { holder: 'alice@example.net', serial: '0a0b' },
    messageId: `<${id}@example.net>`,
    peer: '192.0.2.1 s1',
    size: 20,
    content: { kind: 'inline', bytes: fromLatin1(`content of ${id}\r\n`) },
    deliveries: [someDelivery(id + 1)],
    ...over,
  };
}

function settled(
  due: Pick<Due, 'id' | 'entry' | 'lane'>,
  epoch: number,
  result: Settlement['result'],
  detail = '',
): Settlement {
  return { id: due.id, entry: due.entry, lane: due.lane, epoch, result, detail };
}

const delivered = { kind: 'delivered' } as const;

async function dueIn(spool: SpoolStore, lane: number, now = T0, limit = 100): Promise<Due[]> {
  return spool.due([{ lane, after: START }], now, limit, []);
}

async function dueIds(spool: SpoolStore, lane: number, now = T0): Promise<Id[]> {
  return (await dueIn(spool, lane, now)).map((due) => due.id);
}

/** All lanes, owned by worker 1. */
async function owned(spool: SpoolStore): Promise<Lane[]> {
  return spool.claimLanes(1, LANES, T0, 15_000);
}

/** What the suite asks of the thing it makes: the spool, and what it was rung for. */
export type MakeSpool = (options: {
  readonly clock: { now(): number };
  readonly signal: SpoolSignal;
}) => Promise<SpoolStore>;

/** The contract of SpoolStore as tests; every engine runs it. */
export function spoolSuite(name: string, make: MakeSpool): void {
  const opened = async (rung: number[] = []): Promise<SpoolStore & AsyncDisposable> => {
    const spool = await make({ clock: { now: () => T0 + 5 }, signal: { ring: (lanes) => rung.push(...lanes) } });
    return Object.assign(spool, { [Symbol.asyncDispose]: () => spool.close() });
  };

  describe(`spool contract: ${name}`, () => {
    test('an accepted entry comes back whole', async () => {
      await using spool = await opened();
      const envelope = { reversePath: '', body: 'BINARYMIME', smtputf8: true, ret: 'HDRS', envid: 'x y' } as const;
      const deliveries = [
        someDelivery(at(1), { lane: 3, notify: 'never', orcpt: 'rfc822;a+2Bb@example.org' }),
        someDelivery(at(2), { lane: 3, notify: ['success', 'delay'], dest: 'example.com', recipient: 'ö@example.com' }),
      ];
      const origin = { holder: undefined, serial: undefined };
      const entry = someEntry(at(0), { envelope, deliveries, origin, messageId: undefined, size: 99 });
      assert.equal(await spool.accept([entry]), 1);
      const common = {
        entry: entry.id,
        attempts: 0,
        delayNotified: 0,
        at: T0,
        envelope,
        origin,
        size: 99,
        contentRef: undefined,
      };
      assert.deepEqual(
        await dueIn(spool, 3),
        deliveries.map((delivery) => ({ ...delivery, ...common })),
      );
      const [content] = await spool.contents([entry.id]);
      assert.equal(latin1(content ?? new Uint8Array()), `content of ${entry.id}\r\n`);
      const [summary] = await spool.list({}, 10);
      const summaries = deliveries.map(({ id, recipient, dest, due }) => ({
        id,
        recipient,
        dest,
        due,
        attempts: 0,
        lastDetail: '',
      }));
      assert.deepEqual(summary, {
        id: entry.id,
        at: T0,
        reversePath: '',
        origin,
        messageId: undefined,
        peer: entry.peer,
        size: 99,
        deliveries: summaries,
      });
    });

    test('a repeated accept changes nothing and counts only what is new', async () => {
      await using spool = await opened();
      assert.equal(await spool.accept([someEntry(at(0)), someEntry(at(10))]), 2);
      assert.equal(await spool.accept([someEntry(at(0), { size: 5 }), someEntry(at(20))]), 1);
      assert.equal(await spool.accept([]), 0);
      assert.deepEqual(
        (await spool.list({}, 10)).map((entry) => entry.size),
        [20, 20, 20],
      );
      assert.deepEqual(await dueIds(spool, 7), [at(1), at(11), at(21)]);
      assert.equal((await spool.history(at(0))).length, 1);
    });

    test('accepts that come together are each answered for themselves', async () => {
      await using spool = await opened();
      const entries = Array.from({ length: 30 }, (_, n) => someEntry(at(n * 10)));
      const counts = await Promise.all(entries.map((entry) => spool.accept([entry])));
      assert.deepEqual(
        counts,
        entries.map(() => 1),
      );
      const bad = someEntry(at(1000), { deliveries: [] });
      const results = await Promise.allSettled([
        spool.accept([someEntry(at(900))]),
        spool.accept([bad]),
        spool.accept([someEntry(at(0)), someEntry(at(910))]),
      ]);
      assert.deepEqual(
        results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Fault).status.key)),
        [1, 'storage-failed', 1],
      );
      assert.equal((await spool.counts()).entries, 32);
    });

    test('due: order, cursor, limit, time, skip and held rows', async () => {
      await using spool = await opened();
      const dues = [T0 + 3, T0 + 1, T0 + 2, T0 + 1, HELD];
      await spool.accept(
        dues.map((due, n) =>
          someEntry(at(n * 10), { deliveries: [someDelivery(at(n * 10 + 1), { due, dest: n === 2 ? 'b' : 'a' })] }),
        ),
      );
      await spool.accept([someEntry(at(90), { deliveries: [someDelivery(at(91), { lane: 8 })] })]);
      assert.deepEqual(await dueIds(spool, 7, T0 + 9), [at(11), at(31), at(21), at(1)]);
      assert.deepEqual(await dueIds(spool, 7, T0 + 2), [at(11), at(31), at(21)]);
      assert.deepEqual(await dueIds(spool, 7, T0), []);
      assert.deepEqual(
        (await dueIn(spool, 7, T0 + 9, 2)).map((due) => due.id),
        [at(11), at(31)],
      );
      const after = await spool.due(
        [
          { lane: 7, after: [T0 + 1, at(11)] },
          { lane: 8, after: START },
          { lane: 9, after: START },
        ],
        T0 + 9,
        2,
        [],
      );
      assert.deepEqual(
        after.map((due) => due.id),
        [at(31), at(21), at(91)],
      );
      const skipped = await spool.due([{ lane: 7, after: [T0 + 1, at(11)] }], T0 + 9, 2, ['b', 'c']);
      assert.deepEqual(
        skipped.map((due) => due.id),
        [at(31), at(1)],
      );
    });

    test('nextDue is the earliest in the lanes asked, held rows left out', async () => {
      await using spool = await opened();
      assert.equal(await spool.nextDue([7, 8]), undefined);
      await spool.accept([
        someEntry(at(0), {
          deliveries: [
            someDelivery(at(1), { due: HELD }),
            someDelivery(at(2), { due: T0 + 9 }),
            someDelivery(at(3), { lane: 8, due: T0 + 4 }),
          ],
        }),
      ]);
      assert.equal(await spool.nextDue([7]), T0 + 9);
      assert.equal(await spool.nextDue([7, 8]), T0 + 4);
      assert.equal(await spool.nextDue([]), undefined);
    });

    test('contents come in the order asked; stored ones and unknown ones are undefined', async () => {
      await using spool = await opened();
      await spool.accept([someEntry(at(0)), someEntry(at(10), { content: { kind: 'stored', ref: 'AB' } })]);
      assert.equal((await dueIn(spool, 7)).find((due) => due.entry === at(10))?.contentRef, 'AB');
      const read = async (): Promise<(string | undefined)[]> =>
        (await spool.contents([at(10), at(0), at(77)])).map((bytes) =>
          bytes === undefined ? undefined : latin1(bytes),
        );
      assert.deepEqual(await read(), [undefined, `content of ${at(0)}\r\n`, undefined]);
      assert.deepEqual(await read(), [undefined, `content of ${at(0)}\r\n`, undefined], 'reading does not use it up');
      assert.deepEqual(await spool.contentRefs(), ['AB']);
    });

    test('the highest id is that of entries and deliveries', async () => {
      await using spool = await opened();
      assert.equal(await spool.lastId(), 0);
      await spool.accept([someEntry(at(0), { deliveries: [someDelivery(at(1)), someDelivery(at(3))] })]);
      assert.equal(await spool.lastId(), at(3));
    });

    test('settled: the entry goes with its last delivery, and its stored content is handed back', async () => {
      await using spool = await opened();
      const [lane] = (await owned(spool)).slice(7);
      assert.ok(lane);
      await spool.accept([
        someEntry(at(0), {
          content: { kind: 'stored', ref: 'AB' },
          deliveries: [someDelivery(at(1)), someDelivery(at(2)), someDelivery(at(3))],
        }),
        someEntry(at(10)),
      ]);
      const [a, b, c, d] = await dueIn(spool, 7);
      assert.ok(a && b && c && d);
      assert.deepEqual(
        await spool.settle(
          [settled(a, lane.epoch, delivered, 'ok'), settled(b, lane.epoch, { kind: 'failed' }, '550')],
          [],
        ),
        [],
      );
      assert.deepEqual(await dueIds(spool, 7), [at(3), at(11)]);
      assert.deepEqual(
        await spool.settle(
          [settled(a, lane.epoch, delivered, 'again'), settled(d, lane.epoch, { kind: 'expired' }, 'late')],
          [],
        ),
        [],
      );
      assert.deepEqual(await spool.contents([at(10)]), [undefined]);
      assert.deepEqual(await spool.settle([settled(c, lane.epoch, delivered)], []), ['AB']);
      assert.deepEqual(await spool.counts(), { entries: 0, deliveries: 0, held: 0, oldest: undefined });
      assert.deepEqual(await spool.contentRefs(), []);
      const lines = (await spool.history(at(0))).map(({ kind, delivery, dest, detail, at: time }) => [
        time,
        kind,
        delivery,
        dest,
        detail,
      ]);
      assert.deepEqual(lines, [
        [
          T0,
          'accepted',
          0,
          '',
          `from=<alice@example.net> size=20 peer=192.0.2.1 s1 serial=0a0b msgid=<${at(0)}@example.net>`,
        ],
        [T0 + 5, 'delivered', at(1), 'example.org', 'ok'],
        [T0 + 5, 'failed', at(2), 'example.org', '550'],
        [T0 + 5, 'delivered', at(3), 'example.org', ''],
      ]);
    });

    test('deferred: moves due, counts the attempt, keeps detail and delay notice', async () => {
      await using spool = await opened();
      const lanes = await owned(spool);
      await spool.accept([someEntry(at(0))]);
      const [due] = await dueIn(spool, 7);
      assert.ok(due);
      const result = { kind: 'deferred', due: T0 + 60_000, delayNotified: T0 + 3 } as const;
      await spool.settle([settled(due, lanes[7]?.epoch ?? 0, result, '451 busy')], []);
      assert.deepEqual(await dueIds(spool, 7, T0 + 59_999), []);
      assert.deepEqual(await dueIn(spool, 7, T0 + 60_000), [
        { ...due, due: T0 + 60_000, attempts: 1, delayNotified: T0 + 3 },
      ]);
      assert.equal(await spool.nextDue([7]), T0 + 60_000);
      assert.equal((await spool.list({}, 1))[0]?.deliveries[0]?.lastDetail, '451 busy');
    });

    test('only "delivered" counts from a former owner of the lane', async () => {
      await using spool = await opened();
      const former = (await owned(spool))[7]?.epoch ?? 0;
      await spool.accept([someEntry(at(0), { deliveries: [1, 2, 3, 4].map((n) => someDelivery(at(n))) })]);
      const dues = await dueIn(spool, 7);
      const [a, b, c, d] = dues;
      assert.ok(a && b && c && d);
      const now = T0 + 15_000;
      const current = (await spool.claimLanes(2, LANES, now, 15_000))[7]?.epoch ?? 0;
      assert.equal(current, former + 1);
      const late = [
        settled(a, former, { kind: 'failed' }),
        settled(b, former, { kind: 'expired' }),
        settled(c, former, { kind: 'deferred', due: HELD - 1, delayNotified: 0 }),
      ];
      await spool.settle(late, [someEntry(at(50))]);
      assert.deepEqual(await dueIn(spool, 7), dues, 'nothing counted, so no notice was accepted');
      await spool.settle([...late, settled(d, former, delivered)], [someEntry(at(50))]);
      assert.deepEqual(await dueIds(spool, 7), [at(1), at(2), at(3), at(51)]);
      await spool.settle([settled(a, current, { kind: 'failed' })], []);
      assert.deepEqual(await dueIds(spool, 7), [at(2), at(3), at(51)]);
    });

    test('notices are accepted with the settlements, and once', async () => {
      const rung: number[] = [];
      await using spool = await opened(rung);
      const lanes = await owned(spool);
      await spool.accept([someEntry(at(0))]);
      const [due] = await dueIn(spool, 7);
      assert.ok(due);
      const batch = [settled(due, lanes[7]?.epoch ?? 0, { kind: 'failed' })];
      const notice = someEntry(at(50), {
        envelope: { ...due.envelope, reversePath: '' },
        origin: { holder: undefined, serial: undefined },
        deliveries: [someDelivery(at(51), { lane: 9 })],
      });
      await spool.settle(batch, [notice]);
      assert.deepEqual(await dueIds(spool, 9), [at(51)]);
      assert.deepEqual(rung, [7, 9]);
      const [sent] = await dueIn(spool, 9);
      assert.ok(sent);
      await spool.settle([settled(sent, 0, delivered)], []);
      await spool.settle(batch, [notice]);
      assert.equal((await spool.counts()).entries, 0, 'a repeat does not bring the notice back');
      await spool.settle([], [notice]);
      assert.equal((await spool.counts()).entries, 1);
    });

    test('lanes: claimed once, renewed by their owner, claimed by another after release or the lease', async () => {
      await using spool = await opened();
      const mine = await spool.claimLanes(1, 100, T0, 15_000);
      assert.equal(mine.length, 100);
      assert.ok(mine.every((lane) => lane.until === T0 + 15_000 && lane.epoch === 1));
      const others = await spool.claimLanes(2, LANES, T0 + 1, 15_000);
      assert.equal(new Set([...mine, ...others].map((lane) => lane.lane)).size, LANES);
      assert.deepEqual(await spool.claimLanes(3, LANES, T0 + 2, 15_000), []);
      assert.deepEqual(await spool.renewLanes(3, T0 + 2, 15_000), []);
      const renewed = await spool.renewLanes(1, T0 + 5_000, 15_000);
      assert.deepEqual(new Set(renewed.map((lane) => lane.lane)), new Set(mine.map((lane) => lane.lane)));
      assert.ok(renewed.every((lane) => lane.until === T0 + 20_000 && lane.epoch === 1));
      const given = mine.slice(0, 3).map((lane) => lane.lane);
      await spool.releaseLanes(2, given);
      assert.deepEqual(await spool.claimLanes(3, LANES, T0 + 6_000, 15_000), [], "another's lanes are not released");
      await spool.releaseLanes(1, given);
      const taken = await spool.claimLanes(3, 2, T0 + 6_000, 15_000);
      assert.equal(taken.length, 2);
      assert.ok(taken.every((lane) => given.includes(lane.lane) && lane.epoch === 2));
      const lapsed = await spool.claimLanes(3, LANES, T0 + 15_001, 15_000);
      assert.deepEqual(lapsed.length, others.length + 1);
      assert.equal((await spool.renewLanes(2, T0 + 16_000, 15_000)).length, 0);
    });

    test('filters: every condition must hold', async () => {
      await using spool = await opened();
      const envelope = someEntry(0).envelope;
      await spool.accept([
        someEntry(at(0), {
          deliveries: [
            someDelivery(at(1), { recipient: 'x@a', dest: 'a' }),
            someDelivery(at(2), { recipient: 'y@b', dest: 'b', due: HELD }),
          ],
        }),
        someEntry(at(10), {
          origin: { holder: 'bob', serial: '01' },
          envelope: { ...envelope, reversePath: 'bob@example.net' },
          deliveries: [someDelivery(at(11), { recipient: 'x@a', dest: 'a' })],
        }),
        someEntry(at(20), { origin: { holder: 'bob', serial: '02' }, envelope: { ...envelope, reversePath: '' } }),
        someEntry(at(30), { origin: { holder: undefined, serial: undefined } }),
      ]);
      const found = async (filter: Parameters<SpoolStore['list']>[0]): Promise<number[]> =>
        (await spool.list(filter, 10)).map((entry) => entry.id - at(0));
      assert.deepEqual(await found({}), [0, 10, 20, 30]);
      assert.deepEqual(await found({ ids: [at(30), at(10), at(99)] }), [10, 30]);
      assert.deepEqual(await found({ ids: [] }), []);
      assert.deepEqual(await found({ recipient: 'x@a' }), [0, 10]);
      assert.deepEqual(await found({ recipient: 'x@a', dest: 'b' }), [], 'of one and the same delivery');
      assert.deepEqual(await found({ recipient: 'y@b', held: true }), [0]);
      assert.deepEqual(await found({ held: false }), [0, 10, 20, 30]);
      assert.deepEqual(await found({ held: true }), [0]);
      assert.deepEqual(await found({ dest: 'a', ids: [at(10)] }), [10]);
      assert.deepEqual(await found({ holder: 'bob' }), [10, 20]);
      assert.deepEqual(await found({ serial: '02' }), [20]);
      assert.deepEqual(await found({ serial: '02', holder: 'alice@example.net' }), []);
      assert.deepEqual(await found({ reversePath: '' }), [20]);
      assert.deepEqual(await found({ reversePath: 'bob@example.net', recipient: 'x@a' }), [10]);
      assert.deepEqual(
        (await spool.list({}, 2)).map((entry) => entry.id),
        [at(0), at(10)],
        'the oldest first',
      );
      assert.deepEqual(
        (await spool.list({ recipient: 'x@a' }, 1))[0]?.deliveries.map((delivery) => delivery.id),
        [at(1), at(2)],
        'with all deliveries',
      );
    });

    test('hold, release and retry', async () => {
      const rung: number[] = [];
      await using spool = await opened(rung);
      const lanes = await owned(spool);
      await spool.accept([
        someEntry(at(0), {
          deliveries: [someDelivery(at(1), { recipient: 'x@a' }), someDelivery(at(2), { due: T0 + 99 })],
        }),
        someEntry(at(10), { deliveries: [someDelivery(at(11), { lane: 8 })] }),
      ]);
      rung.length = 0;
      assert.deepEqual(await spool.hold({ recipient: 'x@a' }, 'looks odd', T0 + 1), [at(0)]);
      assert.deepEqual(await spool.hold({ recipient: 'x@a' }, 'again', T0 + 1), [], 'held already');
      assert.deepEqual(await dueIds(spool, 7, T0 + 99), [at(2)]);
      assert.deepEqual(
        (await spool.list({ held: true }, 9))[0]?.deliveries.map((delivery) => delivery.due),
        [HELD, T0 + 99],
      );
      assert.deepEqual(await spool.counts(), { entries: 2, deliveries: 3, held: 1, oldest: T0 });
      assert.deepEqual(rung, []);
      assert.deepEqual(await spool.retry({}, T0 + 2), [at(0), at(10)]);
      assert.deepEqual(
        (
          await spool.due(
            [
              { lane: 7, after: START },
              { lane: 8, after: START },
            ],
            T0 + 2,
            9,
            [],
          )
        ).map((due) => [due.id, due.due]),
        [
          [at(2), T0 + 2],
          [at(11), T0],
        ],
      );
      assert.deepEqual(new Set(rung.splice(0)), new Set([7, 8]));
      assert.deepEqual(await spool.release({}, T0 + 3), [at(0)]);
      assert.deepEqual(rung, [7]);
      const [, due] = await dueIn(spool, 7, T0 + 3);
      assert.deepEqual([due?.id, due?.due], [at(1), T0 + 3]);
      assert.deepEqual(await spool.release({}, T0 + 3), []);
      assert.deepEqual(
        (await spool.history(at(0))).map(({ kind, delivery, detail }) => [kind, delivery, detail]).slice(1),
        [
          ['held', at(1), 'looks odd'],
          ['retried', at(2), ''],
          ['released', at(1), ''],
        ],
      );
      assert.ok(due);
      await spool.hold({}, '', T0 + 4);
      await spool.settle(
        [settled(due, lanes[7]?.epoch ?? 0, { kind: 'deferred', due: T0 + 50, delayNotified: 0 })],
        [],
      );
      assert.equal((await spool.counts()).held, 3, 'a hold put on during an attempt outlasts its deferral');
    });

    test('remove takes whole entries', async () => {
      await using spool = await opened();
      await spool.accept([
        someEntry(at(0), {
          content: { kind: 'stored', ref: 'AB' },
          deliveries: [someDelivery(at(1), { recipient: 'x@a' }), someDelivery(at(2))],
        }),
        someEntry(at(10)),
        someEntry(at(20), { deliveries: [someDelivery(at(21), { recipient: 'x@a' })] }),
      ]);
      assert.deepEqual(await spool.remove({ recipient: 'x@a' }, T0 + 1), { ids: [at(0), at(20)], refs: ['AB'] });
      assert.deepEqual(await spool.remove({ recipient: 'x@a' }, T0 + 1), { ids: [], refs: [] });
      assert.deepEqual(await dueIds(spool, 7), [at(11)]);
      assert.deepEqual(await spool.contents([at(0), at(20)]), [undefined, undefined]);
      assert.deepEqual(await spool.counts(), { entries: 1, deliveries: 1, held: 0, oldest: T0 });
      assert.deepEqual(
        (await spool.history(at(20))).map(({ at: time, kind, delivery }) => [time, kind, delivery]),
        [
          [T0, 'accepted', 0],
          [T0 + 1, 'removed', 0],
        ],
      );
      assert.deepEqual(
        await spool.settle([settled({ id: at(1), entry: at(0), lane: 7 }, 0, delivered)], []),
        [],
        'the attempt under way ends in nothing',
      );
    });

    test('many entries at once: removed, held, forgotten', async () => {
      await using spool = await opened();
      const entries = Array.from({ length: 2_500 }, (_, n) =>
        someEntry(at(n * 2), { deliveries: [someDelivery(at(n * 2 + 1), { lane: n % LANES })] }),
      );
      assert.equal(await spool.accept(entries), 2_500);
      assert.deepEqual(
        await spool.hold({}, '', T0 + 1),
        entries.map((entry) => entry.id),
      );
      assert.equal((await spool.counts()).held, 2_500);
      assert.deepEqual(
        (await spool.remove({}, T0 + 2)).ids,
        entries.map((entry) => entry.id),
      );
      await spool.forget(T0 + 2);
      assert.deepEqual(
        (await spool.history(at(4_998))).map((line) => line.kind),
        ['removed'],
      );
      await spool.forget(T0 + 10_000);
      assert.deepEqual(await spool.history(at(4_998)), []);
    });

    test('forget drops the history before a time and no other', async () => {
      await using spool = await opened();
      const later = firstIdAt(T0 + 1000);
      await spool.accept([someEntry(at(0)), someEntry(later, { at: T0 + 1000 })]);
      await spool.hold({ ids: [at(0)] }, '', T0 + 2000);
      await spool.forget(T0 + 1000);
      assert.deepEqual(
        (await spool.history(at(0))).map((line) => line.kind),
        ['held'],
      );
      assert.equal((await spool.history(later)).length, 1);
      assert.equal((await spool.counts()).entries, 2);
    });

    test('accept rings the lanes of what is new, once a call', async () => {
      const rung: number[] = [];
      await using spool = await opened(rung);
      await spool.accept([
        someEntry(at(0)),
        someEntry(at(10), { deliveries: [someDelivery(at(11), { lane: 8 }), someDelivery(at(12), { lane: 8 })] }),
      ]);
      assert.deepEqual(rung.splice(0), [7, 8]);
      await spool.accept([someEntry(at(0))]);
      assert.deepEqual(rung, []);
    });

    test('after close every call is refused', async () => {
      const spool = await make({ clock: { now: () => T0 }, signal: { ring: () => undefined } });
      await spool.close();
      await assert.rejects(spool.accept([someEntry(at(0))]), Fault);
      await assert.rejects(spool.due([{ lane: 7, after: START }], T0, 1, []), Fault);
      await spool.close();
    });

    test('whatever is settled in whatever order, counts and due rows agree with a plain model', async () => {
      await using spool = await opened();
      const epoch = (await owned(spool))[0]?.epoch ?? 0;
      let next = 0;
      const run = fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.record({ pick: fc.nat(), kind: fc.constantFrom('delivered', 'failed', 'expired', 'deferred') }), {
          maxLength: 12,
        }),
        async (sizes, steps) => {
          const open = new Map<Id, Due>();
          const entries = sizes.map((size) => {
            const id = at((next += 10));
            return someEntry(id, {
              deliveries: Array.from({ length: size }, (_, n) => someDelivery(id + 1 + n, { lane: n })),
            });
          });
          await spool.accept(entries);
          const lanes = [0, 1, 2, 3].map((lane) => ({ lane, after: START }));
          for (const due of await spool.due(lanes, HELD - 1, 100, [])) open.set(due.id, due);
          const all = [...open.values()];
          for (const { pick, kind } of steps) {
            const due = all[pick % all.length];
            if (due === undefined) continue;
            const result = kind === 'deferred' ? { kind, due: T0 + pick, delayNotified: 0 } : { kind };
            await spool.settle([settled(due, epoch, result)], []);
            const now = open.get(due.id);
            if (now !== undefined && result.kind === 'deferred')
              open.set(due.id, { ...now, due: result.due, attempts: now.attempts + 1 });
            else if (result.kind !== 'deferred') open.delete(due.id);
          }
          const left = await spool.due(lanes, HELD - 1, 100, []);
          assert.deepEqual(new Map(left.map((due) => [due.id, due])), open);
          const counts = await spool.counts();
          assert.deepEqual(
            [counts.entries, counts.deliveries],
            [new Set([...open.values()].map((due) => due.entry)).size, open.size],
          );
          await spool.remove({}, T0);
        },
      );
      await fc.assert(run, { numRuns: 25 });
    });
  });
}
