/**
 * A CRL of 100,000 entries: built and signed in this process; and by the signer's process, as the running relay does it,
 * with the delay of the event loop meanwhile in the thread that asks and in one that does other work, as a front thread.
 *
 *     node bench/crl.bench.ts [entries]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { SharedDoor } from '../src/app/signer-client.ts';
import { hex } from '../src/base/bytes.ts';
import { localDoor } from '../src/ca/authority-local.ts';
import { usualTerms, type CrlRequest } from '../src/ca/authority.ts';
import { createAuthority } from '../src/ca/setup.ts';
import { systemClock } from '../src/platform/process/clock.ts';
import { systemRandom } from '../src/platform/process/random.ts';

const ENTRIES = Number(process.argv[2] ?? 100_000);
const DAY = 86_400_000;

if (isMainThread) await run();
else beside();

async function run(): Promise<void> {
  const [clock, random] = [systemClock(), systemRandom()];
  const made = createAuthority(random, clock, 'relay.example.net');
  const now = clock.now();
  const request: CrlRequest = {
    number: 1,
    thisUpdate: now,
    nextUpdate: now + 30 * DAY,
    revoked: Array.from({ length: ENTRIES }, (_, i) => ({
      serial: `4${hex(random.bytes(16)).slice(1)}`,
      at: now - i * 1000,
      reason: i % 3 === 0 ? ('keyCompromise' as const) : ('superseded' as const),
    })),
  };
  const here = localDoor({ ...made, terms: usualTerms });
  await here.signCrl({ ...request, revoked: request.revoked.slice(0, 100) });
  const begun = performance.now();
  const before = process.cpuUsage();
  const { crl } = await here.signCrl(request);
  const span = performance.now() - begun;
  const cpu = process.cpuUsage(before);
  console.log(
    `${ENTRIES} entries, ${crl.length} octets, built and signed twice in this process: ${Math.round(span)} ms`,
  );
  console.log(`  ${Math.round((cpu.user + cpu.system) / 1000)} ms of CPU`);

  const directory = mkdtempSync(join(tmpdir(), 'sealpost-bench-'));
  for (const { path, bytes, mode } of made.files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes, { mode: mode === 'secret' ? 0o600 : 0o644 });
  }
  const door = new SharedDoor(directory, { terms: () => usualTerms, socket: undefined });
  const worker = new Worker(new URL(import.meta.url));
  try {
    await door.signCrl({ ...request, revoked: [] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    worker.postMessage('begin');
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const asked = performance.now();
    await door.signCrl(request);
    const taken = performance.now() - asked;
    await new Promise((resolve) => setTimeout(resolve, 20));
    delay.disable();
    const other = new Promise<string>((resolve) => worker.once('message', (text: string) => resolve(text)));
    worker.postMessage('end');
    console.log(`by the signer's process: ${Math.round(taken)} ms`);
    console.log(`  event loop of the thread that asks: ${words(delay)}`);
    console.log(`  event loop of another thread, as a front thread is: ${await other}`);
  } finally {
    door.close();
    await worker.terminate();
    rmSync(directory, { recursive: true });
  }
}

function beside(): void {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  parentPort?.on('message', (word: string) => {
    if (word === 'begin') delay.enable();
    else parentPort?.postMessage(words(delay));
  });
}

function words(delay: ReturnType<typeof monitorEventLoopDelay>): string {
  return `p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, longest ${(delay.max / 1e6).toFixed(1)} ms`;
}
