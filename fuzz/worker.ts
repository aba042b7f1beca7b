/** Tries inputs until its time is over. The main thread sees in `shared` what is being tried, and that it goes on. */
import { parentPort, workerData } from 'node:worker_threads';
import { inputs, loadTarget } from './corpus.ts';
import { generator, mutate } from './mutate.ts';

export interface Orders {
  readonly name: string;
  readonly seed: number;
  /** Milliseconds. */
  readonly span: number;
  /** [number of tries, octets of the input], then the input. */
  readonly shared: SharedArrayBuffer;
}

export type Report =
  | { readonly kind: 'done'; readonly tries: number }
  | { readonly kind: 'crash'; readonly bytes: Uint8Array; readonly error: string };

const { name, seed, span, shared } = workerData as Orders;
const counters = new Uint32Array(shared, 0, 2);
const memory = new Uint8Array(shared, 8);
const target = await loadTarget(name);
if (target === undefined) throw new Error(`no target ${name}`);

function attempt(bytes: Uint8Array): string | undefined {
  memory.set(bytes.subarray(0, memory.length));
  Atomics.store(counters, 1, Math.min(bytes.length, memory.length));
  Atomics.add(counters, 0, 1);
  try {
    target!(bytes.slice());
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** A shorter input that fails, too: pieces are taken out, smaller and smaller ones. */
function shorten(bytes: Uint8Array): Uint8Array {
  for (let size = bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= bytes.length;) {
      const shorter = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + size)]);
      if (attempt(shorter) === undefined) at += size;
      else bytes = shorter;
    }
  }
  return bytes;
}

function work(): Report {
  const corpus = inputs(name).map((input) => input.bytes);
  const random = generator(seed);
  const until = performance.now() + span;
  let tries = 0;
  while (performance.now() < until) {
    const bytes = tries < corpus.length ? corpus[tries]! : mutate(corpus, random);
    tries++;
    if (attempt(bytes) === undefined) continue;
    const shortest = shorten(bytes);
    return { kind: 'crash', bytes: shortest, error: attempt(shortest) ?? 'it fails only now and then' };
  }
  return { kind: 'done', tries };
}

parentPort?.postMessage(work());
