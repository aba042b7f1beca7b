/**
 * `npm run fuzz -- NAME SECONDS [SEED]`: tries the target with inputs made out of its corpus in `test/corpus/NAME/`.
 * One that fails is shortened and kept there, where `npm test` tries it from then on. Exit code 1 when there was one.
 */
import { Worker } from 'node:worker_threads';
import { keep, targets } from './corpus.ts';
import type { Orders, Report } from './worker.ts';

/** Milliseconds for one input. */
const PATIENCE = 5000;
const LARGEST = 64 * 1024;

const [name = '', seconds = '60', seedText] = process.argv.slice(2);
const span = Number(seconds) * 1000;
const seed = seedText === undefined ? Date.now() % 2 ** 32 : Number(seedText);
if (!targets().includes(name) || !(span > 0) || !Number.isInteger(seed)) {
  console.error(`usage: npm run fuzz -- NAME SECONDS [SEED]\ntargets: ${targets().join(' ')}`);
  process.exit(64);
}

const shared = new SharedArrayBuffer(8 + LARGEST);
const counters = new Uint32Array(shared, 0, 2);
const orders: Orders = { name, seed, span, shared };
console.log(`${name}: ${seconds} s, seed ${seed}`);
const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: orders });

let seen = -1;
const watch = setInterval(() => {
  const tries = Atomics.load(counters, 0);
  if (tries !== seen || tries === 0) {
    seen = tries;
    return;
  }
  const bytes = new Uint8Array(shared, 8, Atomics.load(counters, 1)).slice();
  finish(1, `${name}: an input took more than ${PATIENCE / 1000} s; it is in ${keep(name, 'hang', bytes)}`);
}, PATIENCE);

worker.on('message', (report: Report) => {
  if (report.kind === 'done') finish(0, `${name}: ${report.tries} inputs, none failed`);
  else finish(1, `${report.error}\n${name}: an input failed; it is in ${keep(name, 'crash', report.bytes)}`);
});
worker.on('error', (error) => finish(70, `${name}: ${String(error)}`));

function finish(code: number, text: string): void {
  clearInterval(watch);
  console.log(text);
  process.exitCode = code;
  void worker.terminate();
}
