/**
 * The spool, seen from other threads. `startSpoolThread` is for the main thread; a front thread or the delivery thread
 * gets a port made by `connect()` and makes its `SpoolStore` of it with `spoolClient`.
 */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import type { HistoryKind } from '../../relay/spool/history.ts';
import type { SpoolSignal, SpoolStore } from '../../relay/spool/spool.ts';
import { fromWire, remote, serve, type WireFault } from './rpc.ts';
import { ringMethods, spoolMethods } from './spool-methods.ts';

export interface SpoolThreadOptions {
  /** Path of the database; made when it is not there. */
  readonly database: string;
  /** Directory of stored contents, swept of leftovers before the thread is ready; undefined: not swept. */
  readonly contents: string | undefined;
  /** Kinds of history lines that are not kept. */
  readonly withoutHistory?: readonly HistoryKind[];
}

/** What the thread is told by the one who started it. */
export type SpoolThreadOrder =
  | { readonly kind: 'serve'; readonly port: MessagePort }
  | { readonly kind: 'ring'; readonly port: MessagePort }
  | { readonly kind: 'stop' };

/** What the thread says about itself. */
export type SpoolThreadNews =
  | { readonly kind: 'ready'; readonly swept: number }
  | { readonly kind: 'failed'; readonly fault: WireFault };

/** The running thread, in the hands of the main thread. */
export interface SpoolThread {
  /** The main thread's own way to the spool. Closing it closes only this way. */
  readonly spool: SpoolStore;
  /** Leftover contents removed at the start. */
  readonly swept: number;
  /** A port to hand (transfer) to another thread, which calls `spoolClient` with it. */
  connect(): MessagePort;
  /** A port to hand to the thread that delivers, which calls `onRing` with it. */
  connectRing(): MessagePort;
  /** Resolves when the thread has ended: undefined after stop(), else why it ended. */
  readonly ended: Promise<Fault | undefined>;
  /** Commits what is waiting, closes the database, ends the thread. */
  stop(): Promise<void>;
}

/** Starts the thread that owns the database. Rejects with a Fault when the database cannot be opened. */
export async function startSpoolThread(options: SpoolThreadOptions): Promise<SpoolThread> {
  // The same file beside this one, whether as source or as compiled.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './spool-thread.ts' : './spool-thread.js', import.meta.url);
  const worker = new Worker(entry, { name: 'spool', workerData: options });
  let stopping = false;
  let thrown: unknown;
  const ended = new Promise<Fault | undefined>((resolve) => {
    worker.on('error', (error) => (thrown = error));
    worker.on('exit', (code) => {
      resolve(
        stopping
          ? undefined
          : new Fault(
              statuses['storage-failed'],
              `the spool thread ended (${thrown instanceof Error ? thrown.message : `code ${code}`})`,
              thrown,
            ),
      );
    });
  });
  const swept = await ready(worker, ended);
  const connect = (kind: 'serve' | 'ring'): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    worker.postMessage({ kind, port: port1 } satisfies SpoolThreadOrder, [port1]);
    return port2;
  };
  return {
    spool: spoolClient(connect('serve')),
    swept,
    connect: () => connect('serve'),
    connectRing: () => connect('ring'),
    ended,
    async stop() {
      stopping = true;
      worker.postMessage({ kind: 'stop' } satisfies SpoolThreadOrder);
      await ended;
    },
  };
}

/** The spool at the other end of a port of `connect()`. Closing it closes the port. */
export function spoolClient(port: MessagePort): SpoolStore {
  const spool = remote(port, spoolMethods);
  return Object.assign(spool, {
    async close(): Promise<void> {
      port.close();
    },
  });
}

/** Hears the rings on a port of `connectRing()`. Does not keep the thread alive. */
export function onRing(port: MessagePort, signal: SpoolSignal): void {
  serve(port, signal, ringMethods);
  port.unref();
}

async function ready(worker: Worker, ended: Promise<Fault | undefined>): Promise<number> {
  const news = new Promise<SpoolThreadNews>((resolve) => worker.once('message', resolve));
  const first = await Promise.race([news, ended]);
  if (first === undefined || first instanceof Fault)
    throw first ?? new Fault(statuses['storage-failed'], 'the spool thread ended at once');
  if (first.kind === 'failed') throw fromWire(first.fault);
  return first.swept;
}
