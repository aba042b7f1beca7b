/**
 * What the spool costs: messages a second and CPU (of all threads) per message, for accepting, reading what is due,
 * reading contents and settling, 4 KB inline, durable. Directly and through the spool thread; with an empty queue and
 * with 100,000 deliveries waiting for a later hour.
 *
 *     node bench/spool.bench.ts [callers…]          default: 20 200
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { startSpoolThread } from '../src/app/threads/spool-client.ts';
import { idMinter, type Id } from '../src/base/id.ts';
import { systemClock } from '../src/platform/process/clock.ts';
import { LANES, type Due, type NewEntry, type SpoolStore } from '../src/relay/spool/spool.ts';
import { sqliteSpool } from '../src/storage/sqlite/spool.ts';

const QUEUED = 100_000;
const ROUND = 6_000;
const SIZE = 4_300;
const HOUR = 3_600_000;

const clock = systemClock();
const mint = idMinter(clock, 0);
const text = Buffer.alloc(SIZE, 'all work and no play makes a dull message\r\n');

function entry(n: number, due: number): NewEntry {
  const id = mint();
  const bytes = new Uint8Array(SIZE);
  bytes.set(text);
  const dest = `d${n % 200}.example.org`;
  return {
    id,
    at: clock.now(),
    envelope: {
      reversePath: `alice${n % 1000}@example.net`,
      body: '8BITMIME',
      smtputf8: false,
      ret: undefined,
      envid: undefined,
    },
    origin: {
      holder: `alice${n % 1000}@example.net`,
      serial: ((n % 1000) * 7919 + 1e15).toString(16).padStart(32, '5'),
    },
    messageId: `<${id.toString(36)}.${n}@client.example.net>`,
    peer: '192.0.2.1 s1abc',
    size: SIZE,
    content: { kind: 'inline', bytes },
    deliveries: [
      {
        id: mint(),
        lane: (n * 7) % LANES,
        dest,
        recipient: `bob${n}@${dest}`,
        notify: undefined,
        orcpt: undefined,
        due,
      },
    ],
  };
}

/** Callers in closed loop: each begins its next call when its last is answered. */
async function closed(callers: number, count: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function measured(count: number, run: () => Promise<void>): Promise<string> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return `${Math.round(count / seconds)
    .toString()
    .padStart(7)}/s ${Math.round((user + system) / count)
    .toString()
    .padStart(4)} µs`;
}

async function allDue(spool: SpoolStore): Promise<Due[]> {
  const found: Due[] = [];
  let lanes: { lane: number; after: readonly [number, Id] }[] = Array.from({ length: LANES }, (_, lane) => ({
    lane,
    after: [0, 0],
  }));
  while (lanes.length > 0) {
    const some = await spool.due(lanes, clock.now(), 64, []);
    const last = new Map(some.map((due) => [due.lane, due]));
    lanes = [...last.values()].map(({ lane, due, id }) => ({ lane, after: [due, id] }));
    found.push(...some);
  }
  // In order of arrival, as a relay that keeps up settles. In order of lanes it writes four times as much.
  return found.toSorted((a, b) => a.id - b.id);
}

/** One round: the queue is as long after it as before. */
async function round(spool: SpoolStore, callers: number): Promise<string> {
  const accept = await measured(ROUND, () => closed(callers, ROUND, (n) => spool.accept([entry(n, clock.now())])));
  let due: Due[] = [];
  const read = await measured(ROUND, async () => void (due = await allDue(spool)));
  const contents = await measured(ROUND, () => closed(callers, ROUND, (n) => spool.contents([due[n]?.entry ?? 0])));
  const settle = await measured(ROUND, () =>
    closed(callers, ROUND, async (n) => {
      const one = due[n];
      if (one === undefined) return;
      const { id, entry: of, lane } = one;
      await spool.settle(
        [
          {
            id,
            entry: of,
            lane,
            epoch: 1,
            result: { kind: 'delivered' },
            detail: '250 2.0.0 Ok: queued as 4Xk2 mx.example.org',
          },
        ],
        [],
      );
    }),
  );
  return `accept ${accept} | due ${read} | contents ${contents} | settle ${settle}`;
}

async function measure(name: string, spool: SpoolStore, callers: readonly number[]): Promise<void> {
  await spool.claimLanes(1, LANES, clock.now(), HOUR);
  for (const queued of [0, QUEUED]) {
    for (let n = 0; n < queued; n += 500)
      await spool.accept(Array.from({ length: 500 }, (_, k) => entry(n + k, clock.now() + HOUR)));
    for (const count of callers) {
      await round(spool, count); // warm-up
      console.log(
        `${name} ${String(count).padStart(4)} callers ${String(queued).padStart(7)} queued | ${await round(spool, count)}`,
      );
    }
  }
}

const asked = process.argv.slice(2).map(Number);
const callers = asked.length > 0 ? asked : [20, 200];
const directory = mkdtempSync(join(import.meta.dirname, '.spool-'));
try {
  console.log(`Node ${process.version}, ${availableParallelism()} cores, ${ROUND} messages of ${SIZE} octets a round`);
  const direct = sqliteSpool(join(directory, 'direct.db'));
  await measure('direct', direct, callers);
  await direct.close();
  const thread = await startSpoolThread({ database: join(directory, 'thread.db'), contents: undefined });
  await measure('thread', thread.spool, callers);
  await thread.stop();
} finally {
  rmSync(directory, { recursive: true });
}
