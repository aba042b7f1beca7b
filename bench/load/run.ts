/**
 * `npm run bench [-- SCENARIO… --rounds N --seconds S]`: Sealpost and Postfix side by side, interleaved, on one file
 * system, both durable; prints messages/s, CPU seconds per 1,000 messages and the ratios. Root, Debian's postfix and a C
 * compiler with OpenSSL's headers are needed for the comparison; without them only Sealpost is measured, and it says so.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { makeCertificates } from './certificates.ts';
import { cpuSeconds, memory } from './process-tree.ts';
import { postfixAvailable, startPostfix } from './postfix.ts';
import { startSealpost } from './sealpost.ts';
import { end, greets, type Server, type Start } from './server.ts';

const SINK = 2690;
const CONNECTIONS = 20;
const RELAYED = 2000;
const IDLE = 1000;
const QUEUED = 100_000;

interface Result {
  /** Messages/s, or MiB for idle. */
  readonly value: number;
  /** CPU seconds per 1,000 messages; for idle the MiB before the first connection. */
  readonly cost: number;
  readonly generatorCores: number;
  readonly errors: string;
}

interface Load {
  readonly msgs_per_s: number;
  readonly messages: number;
  readonly client_cores: number;
  readonly errors: Record<string, number>;
}

const scenarios = ['plain', 'handshake', 'kept', 'relay', 'idle', 'backlog'] as const;
type Scenario = (typeof scenarios)[number];

/** The ratio to Postfix that counts as reached: rate, and cost. */
const goals: Record<Scenario, { readonly rate: number; readonly cost: number }> = {
  plain: { rate: 4, cost: 1 / 5 },
  handshake: { rate: 2, cost: 1 / 2.5 },
  kept: { rate: 3.5, cost: 1 / 2.5 },
  relay: { rate: 4, cost: 1 / 5 },
  idle: { rate: 1, cost: 1 },
  backlog: { rate: 1, cost: 1.1 },
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '4' } },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const chosen = scenarios.filter((name) => positionals.length === 0 || positionals.includes(name));

const base = process.env['BENCH_LAB'] ?? '/var/tmp';
const lab = mkdtempSync(`${base}/sealpost-bench-`);
// Postfix's own user must be able to walk to its queue.
execFileSync('chmod', ['755', lab]);
mkdirSync(`${lab}/certs`);
makeCertificates(`${lab}/certs`);
const generator = `${lab}/mtlsload`;
execFileSync('cc', ['-O2', '-o', generator, 'bench/load/mtlsload.c', '-lssl', '-lcrypto'], { stdio: 'inherit' });

function load(server: Server, scenario: Scenario, more: readonly string[]): string[] {
  const tls = [
    '--mode',
    'starttls',
    '--cert',
    `${lab}/certs/client.crt`,
    '--key',
    `${lab}/certs/client.key`,
    '--ca',
    `${lab}/certs/ca.pem`,
    '--group',
    'X25519',
  ];
  const per =
    scenario === 'handshake' ? ['--per-connection', '1'] : scenario === 'kept' ? ['--per-connection', '50'] : [];
  const how =
    scenario === 'plain'
      ? ['--mode', 'plain', '--port', String(server.plain)]
      : [...tls, '--port', String(server.starttls)];
  return [...how, ...per, '--size', '4k', '--connections', String(CONNECTIONS), '--json', ...more];
}

async function run(args: readonly string[]): Promise<Load> {
  const child = spawn(generator, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  await new Promise((resolve) => child.once('exit', resolve));
  return JSON.parse(text) as Load;
}

async function measure(start: Start, scenario: Scenario): Promise<Result> {
  const sink =
    scenario === 'relay'
      ? spawn('smtp-sink', ['-c', '-u', 'nobody', `127.0.0.1:${SINK}`, '400'], { stdio: ['ignore', 'pipe', 'ignore'] })
      : undefined;
  if (sink !== undefined) await greets(SINK);
  const server = await start(lab, scenario === 'relay' ? 'relay' : 'hold', SINK);
  try {
    if (scenario === 'idle') return await idle(server);
    if (sink !== undefined) return await relay(server, sink);
    await run(load(server, scenario, ['--duration', '1']));
    const before = cpuSeconds(server.pid);
    const result = await run(load(server, scenario, ['--duration', String(seconds)]));
    const cost = ((cpuSeconds(server.pid) - before) / result.messages) * 1000;
    return {
      value: result.msgs_per_s,
      cost,
      generatorCores: result.client_cores,
      errors: JSON.stringify(result.errors),
    };
  } finally {
    await server.stop();
    if (sink !== undefined) await end(sink);
    spawnSync('sync', ['-f', lab]);
  }
}

/** 2,000 messages in over STARTTLS, until the sink has them all. smtp-sink -c prints a running count. */
async function relay(server: Server, sink: ReturnType<typeof spawn>): Promise<Result> {
  let seen = 0;
  let arrived = (): void => {};
  const all = new Promise<void>((resolve) => (arrived = resolve));
  sink.stdout?.on('data', (data: Buffer) => {
    for (const match of data.toString().matchAll(/mesg=(\d+)/g)) seen = Number(match[1]);
    if (seen >= RELAYED) arrived();
  });
  const before = cpuSeconds(server.pid);
  const began = performance.now();
  const sending = run(load(server, 'relay', ['--messages', String(RELAYED)]));
  const timeout = setTimeout(arrived, 60_000);
  await all;
  clearTimeout(timeout);
  const span = (performance.now() - began) / 1000;
  const result = await sending;
  if (seen < RELAYED) throw new Error(`${server.name}: the sink has ${seen} of ${RELAYED} after 60 s`);
  return {
    value: RELAYED / span,
    cost: ((cpuSeconds(server.pid) - before) / RELAYED) * 1000,
    generatorCores: result.client_cores,
    errors: JSON.stringify(result.errors),
  };
}

async function idle(server: Server): Promise<Result> {
  await run(load(server, 'idle', ['--messages', '1']));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = memory(server.pid);
  const child = spawn(generator, load(server, 'idle', ['--idle', String(IDLE), '--duration', '10']), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (data: Buffer) => {
      if (data.toString().includes('established')) resolve();
    });
    child.once('exit', () => reject(new Error(`${server.name}: the idle connections were not established`)));
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const after = memory(server.pid);
  await end(child);
  return { value: after - before, cost: before, generatorCores: 0, errors: '' };
}

const both: readonly (readonly [string, Start])[] = [
  ['sealpost', startSealpost],
  ...(postfixAvailable() ? [['postfix', startPostfix] as const] : []),
];
/** For `backlog` Sealpost is its own peer: with nothing queued, and with much. */
const ownPeers: readonly (readonly [string, Start])[] = [
  ['sealpost', startSealpost],
  ['sealpost-queued', (...args) => startSealpost(...args, QUEUED)],
];
if (both.length === 1) console.log('Postfix is not installed, or this is not root: no comparison.\n');

const results = new Map<string, Result[]>();
for (const scenario of chosen) {
  for (let round = 1; round <= (scenario === 'idle' ? 1 : rounds); round++) {
    for (const [name, start] of scenario === 'backlog' ? ownPeers : both) {
      const result = await measure(start, scenario);
      const key = `${scenario} ${name}`;
      results.set(key, [...(results.get(key) ?? []), result]);
      console.error(
        `${scenario} ${name} round ${round}: ${result.value.toFixed(0)}, cost ${result.cost.toFixed(2)}, generator ${result.generatorCores} cores ${result.errors}`,
      );
    }
  }
}
rmSync(lab, { recursive: true, force: true });
print();

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}

function print(): void {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
  const lines = [
    `${cpus().length} cores (${cpus()[0]?.model ?? '?'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}, commit ${commit}; ${CONNECTIONS} connections, 4 KB, medians of ${rounds} rounds of ${seconds} s, both durable (fsync before 250)`,
    '',
    '| scenario | Sealpost | Postfix | ratio | goal | CPU s per 1,000: Sealpost | Postfix | ratio | goal |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const scenario of chosen) {
    const [ours, theirs] = ['sealpost', 'postfix'].map((name) => {
      const list = results.get(`${scenario} ${name}`) ?? [];
      return { value: median(list.map((r) => r.value)), cost: median(list.map((r) => r.cost)) };
    }) as [{ value: number; cost: number }, { value: number; cost: number }];
    if (scenario === 'backlog') {
      const queued = median((results.get('backlog sealpost-queued') ?? []).map((r) => r.cost));
      lines.push(
        `| CPU of a message with ${QUEUED} queued, against none | | | | | ${queued.toFixed(2)} | (none: ${ours.cost.toFixed(2)}) | ${(queued / ours.cost).toFixed(2)} | ≤ ${goals.backlog.cost} |`,
      );
      continue;
    }
    if (scenario === 'idle') {
      lines.push(
        `| ${IDLE} idle TLS connections, MiB on top of the idle program | ${ours.value.toFixed(0)} | ${theirs.value.toFixed(0)} | | ≤ 120 | idle program, MiB: ${ours.cost.toFixed(0)} | ${theirs.cost.toFixed(0)} | | ≤ 150 |`,
      );
      continue;
    }
    const goal = goals[scenario];
    lines.push(
      `| ${scenario}, messages/s | ${ours.value.toFixed(0)} | ${theirs.value.toFixed(0)} | ${(ours.value / theirs.value).toFixed(1)} | ≥ ${goal.rate} | ${ours.cost.toFixed(2)} | ${theirs.cost.toFixed(2)} | 1/${(theirs.cost / ours.cost).toFixed(1)} | ≤ 1/${(1 / goal.cost).toFixed(1)} |`,
    );
  }
  console.log(lines.join('\n'));
}
