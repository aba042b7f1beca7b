/**
 * The running relay: reads the configuration, starts the threads in order (spool, fronts, delivery), answers the control
 * socket, watches what may change beside it, and ends in order. It decides nothing about mail. What changes while it
 * runs, and what follows from that, is in `running/`.
 */
import { join } from 'node:path';
import type { LiveRelay } from '../admin/context.ts';
import { controlSocket } from '../config/settings.ts';
import type { Config } from '../config/schema.ts';
import { fileContentStore } from '../platform/files/content-store.ts';
import { systemClock } from '../platform/process/clock.ts';
import { systemRandom } from '../platform/process/random.ts';
import { onSignals } from '../platform/process/signals.ts';
import type { Ledger } from '../ca/ledger.ts';
import { openLedger } from '../storage/sqlite/ledger.ts';
import { startAcme } from './acme.ts';
import { adminContext, readConfig, type OwnedContext } from './compose.ts';
import { CONTENTS, DATABASE } from './files.ts';
import { Fleet } from './fleet.ts';
import { ForeignKeeper } from './foreign.ts';
import { notesPasswordUse } from './password-use.ts';
import { StatusService } from './responder.ts';
import { startDesk, type Desk } from './running/desk.ts';
import { LedgerNews } from './running/ledger-news.ts';
import { liveRelay } from './running/live.ts';
import { startOwnWork } from './running/own-work.ts';
import { PolicyInForce } from './running/policy.ts';
import { reload } from './running/reload.ts';
import { openTelling, troubleTeller, type Running, type Telling } from './running/running.ts';
import { TlsInForce } from './running/tls.ts';
import { relayFiles, startWatching, type RelayFiles } from './running/watch.ts';
import { givenPassphrases } from './signer-passphrase.ts';
import { startSpoolThread, type SpoolThread } from './threads/spool-client.ts';
import { ownIssuers } from './trust.ts';
import { version } from './version.ts';
import { Web, webRoutes } from './web.ts';

export interface DaemonOptions {
  readonly directory: string;
  /** Passphrase of the issuing key, when one was given; wiped once the signer has it. */
  readonly passphrase?: Buffer | undefined;
  /** Brings the directory's configuration up to date before it is read; undefined: it is somebody else's work. Throws an OperationError. */
  readonly prepare?: (() => void) | undefined;
  /** Told when everything listens, with the listeners as they are. */
  readonly ready: (relay: LiveRelay, config: Config) => void;
}

/** What is there before anybody can connect. */
interface Ground {
  readonly running: Running;
  readonly telling: Telling;
  readonly tls: TlsInForce;
  readonly policy: PolicyInForce;
  readonly desk: Desk;
  readonly ledger: Ledger;
  readonly spool: SpoolThread;
}

/** Who serves, and what operations work on; nobody serves yet. */
interface Relay extends Ground {
  readonly fleet: Fleet;
  readonly web: Web;
  readonly trust: ForeignKeeper;
  readonly news: LedgerNews;
  readonly live: LiveRelay;
  readonly context: OwnedContext;
}

/** Runs until a signal ends it. Rejects when it cannot start; what was begun is then undone. */
export async function runDaemon({ directory, passphrase, prepare, ready }: DaemonOptions): Promise<void> {
  process.umask(0o077);
  prepare?.();
  const config = readConfig(directory);
  const telling = openTelling(config, directory);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => telling.log.flush());
  // Until everything has ended: a SIGHUP meanwhile must not kill, and a second SIGTERM means now.
  let offSignals = (): void => {};
  stack.defer(() => offSignals());
  const running: Running = {
    directory,
    config,
    events: telling,
    trouble: troubleTeller(telling),
    clock: systemClock(),
    random: systemRandom(),
  };
  const ground = await openGround(running, telling, stack);
  const relay = assemble(ground, passphrase, stack);
  const stopped = Promise.withResolvers<void>();
  // What a start reads is as it is now: nothing is read again before there are files to watch.
  let files: RelayFiles | undefined;
  // From here on clients can have begun something that a signal must not cut off.
  offSignals = heedSignals(telling, stopped.resolve, () => {
    if (files !== undefined) void reload({ ...relay, files }, prepare);
  });
  const status = await open(relay, stack);

  files = relayFiles(relay);
  const watchers = [relay.news, files.map, files.server, files.signer, files.hops, relay.trust];
  stack.defer(startWatching(watchers, running));
  void relay.spool.ended.then((fault) => {
    if (fault !== undefined) stopped.reject(fault);
  });

  ready(relay.live, running.config);
  // Whether the authority can sign is told when it starts, and not to the first who needs it.
  if (running.config.tls.ownAuthority)
    void relay.context.door().catch((error: unknown) => running.trouble('certificate authority', error));
  stack.use(await startOwnWork(relay, status));
  await stopped.promise;
}

/** Everything that can be wrong in files and storage shows here. What is begun is left to the stack, here and below. */
async function openGround(running: Running, telling: Telling, stack: AsyncDisposableStack): Promise<Ground> {
  const { config, directory } = running;
  const tls = new TlsInForce(running);
  const policy = await PolicyInForce.read(running);
  const desk = await startDesk(controlSocket(config, directory));
  stack.defer(() => desk.close());
  const database = join(directory, DATABASE);
  const ledger = openLedger(database);
  stack.defer(() => ledger.close());
  const spool = await startSpoolThread({ database, contents: join(directory, CONTENTS) });
  stack.defer(() => spool.stop());
  return { running, telling, tls, policy, desk, ledger, spool };
}

function assemble(ground: Ground, passphrase: Buffer | undefined, stack: AsyncDisposableStack): Relay {
  const { running, telling, tls, policy, ledger, spool } = ground;
  const { config, directory, events, clock, trouble } = running;
  const contents = join(directory, CONTENTS);
  // What is in the ledger when a front thread starts, it looks up; from this version on it is told.
  const known = ledger.version();
  const issuers = ownIssuers(config, directory);
  const trust = new ForeignKeeper({
    directory,
    events,
    clock,
    async apply(snapshot) {
      // Sessions that could be resumed were judged by what was trusted before.
      tls.judgeAnew();
      await fleet.foreign(snapshot, tls.material);
      web.update({ tls: tls.web });
    },
  });
  stack.defer(() => trust.stop());
  const fleet = new Fleet(
    { directory, database: join(directory, DATABASE), contents, spool, events },
    { config, material: tls.material, issuers, foreign: trust.snapshot(), policy: policy.source },
  );
  const web = new Web({
    routes: [],
    tls: tls.web,
    onTrouble: (detail) => events.tell({ kind: 'trouble', where: 'web', detail }),
  });
  const news = new LedgerNews({ running, ledger, tls, fleet, web, known, issuers });
  const live = liveRelay({ fleet, web, trust, news, counters: telling.counters });
  const context = adminContext({
    config,
    directory,
    events,
    ledger,
    spool: spool.spool,
    contents: fileContentStore(contents),
    live,
    actor: 'relay',
    passphrase: givenPassphrases(passphrase),
  });
  stack.defer(() => context.close());
  telling.also(notesPasswordUse(context.passwords, clock, trouble));
  return { ...ground, fleet, web, trust, news, live, context };
}

/** Opens the ports, and tells what is there. */
async function open(relay: Relay, stack: AsyncDisposableStack): Promise<StatusService> {
  const { running, desk, context, fleet, tls, web, policy } = relay;
  const { config, trouble } = running;
  desk.open(context);
  stack.defer(() => desk.close());
  stack.defer(() => fleet.stop(running.config.limits.drainTime));
  await fleet.start();
  const status = new StatusService(context);
  tls.stapleBy(status);
  const acme = startAcme(context);
  stack.defer(() => acme.close());
  web.update({ routes: webRoutes(context, status, acme) });
  stack.defer(() => web.close(running.config.limits.drainTime));
  await web.configure(config);
  acme.resume().catch((error: unknown) => trouble('ACME', error));
  policy.tellProblems();
  tls.tellFaults();
  running.events.tell({
    kind: 'started',
    version,
    listeners: fleet.listeners.map(
      ({ name, address, port }) => `${name} ${address.includes(':') ? `[${address}]` : address}:${port}`,
    ),
  });
  return status;
}

/** Heeds signals until the function that it gives is called. Nothing is read again once the relay was told to stop. */
function heedSignals(telling: Telling, stopped: () => void, again: () => void): () => void {
  let ending = false;
  return onSignals({
    stop(signal) {
      ending = true;
      telling.tell({ kind: 'stopping', signal });
      stopped();
    },
    abort() {
      telling.log.flush();
      process.exit(1);
    },
    reload() {
      telling.log.reopen();
      if (!ending) again();
    },
  });
}
