/**
 * The thread that owns the database: it opens it, sweeps leftover contents, and serves the spool on every port it is
 * given. Calls that arrive while one commit runs share the next; after each commit that brought something new the
 * delivery threads are rung, once. Nothing here may wait for anything but the disk.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { fileContentStore, sweep } from '../../platform/files/content-store.ts';
import { systemClock } from '../../platform/process/clock.ts';
import type { SpoolSignal, SpoolStore } from '../../relay/spool/spool.ts';
import { sqliteSpool } from '../../storage/sqlite/spool.ts';
import { remote, serve, toWire } from './rpc.ts';
import type { SpoolThreadNews, SpoolThreadOptions, SpoolThreadOrder } from './spool-client.ts';
import { ringMethods, spoolMethods } from './spool-methods.ts';

if (parentPort === null) throw new Error('spool-thread.ts is the entry of a worker thread');
await run(parentPort, workerData as SpoolThreadOptions);

async function run(parent: MessagePort, options: SpoolThreadOptions): Promise<void> {
  const say = (news: SpoolThreadNews): void => parent.postMessage(news);
  const ports: MessagePort[] = [];
  const bells: SpoolSignal[] = [];
  const signal: SpoolSignal = {
    ring(lanes) {
      for (const bell of bells) bell.ring(lanes);
    },
  };
  let spool: SpoolStore;
  let swept = 0;
  try {
    spool = sqliteSpool(options.database, {
      clock: systemClock(),
      signal,
      withoutHistory: options.withoutHistory ?? [],
    });
    if (options.contents !== undefined) swept = await sweep(fileContentStore(options.contents), spool);
  } catch (error) {
    say({ kind: 'failed', fault: toWire(error) });
    return;
  }

  parent.on('message', (order: SpoolThreadOrder) => {
    if (order.kind === 'stop') {
      void stop();
      return;
    }
    ports.push(order.port);
    if (order.kind === 'serve') serve(order.port, spool, spoolMethods);
    else bells.push(remote(order.port, ringMethods));
  });
  say({ kind: 'ready', swept });

  async function stop(): Promise<void> {
    await spool.close(); // commits what is waiting
    await turn(); // its answers are gathered…
    await turn(); // …and sent
    for (const port of ports) port.close();
    parent.close();
  }
}

/** Resolves in the next turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
