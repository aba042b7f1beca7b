/**
 * The running relay: reads the configuration, starts the threads in order (spool, fronts, delivery), answers the control
 * socket, watches what may change beside it, and ends in order. It decides nothing about mail.
 */
import { join } from 'node:path';
import type { AdminContext, LiveRelay } from '../admin/context.ts';
import { runOperation } from '../admin/operation.ts';
import type { EventSink } from '../base/event.ts';
import { asFault } from '../base/fault.ts';
import { idMinter } from '../base/id.ts';
import { controlSocket, deliverySettings, inDirectory } from '../config/settings.ts';
import type { Config } from '../config/schema.ts';
import { fileContentStore } from '../platform/files/content-store.ts';
import { systemClock } from '../platform/process/clock.ts';
import type { TlsMaterial } from '../platform/net/tls-contexts.ts';
import { serveControl } from '../platform/process/control.ts';
import { systemRandom } from '../platform/process/random.ts';
import { onSignals } from '../platform/process/signals.ts';
import { eventCounters } from '../platform/telemetry/counters.ts';
import { logSink } from '../platform/telemetry/log.ts';
import { openLedger } from '../storage/sqlite/ledger.ts';
import { openNoticeBook } from '../storage/sqlite/notice-book.ts';
import { startAcme } from './acme.ts';
import { adminContext, readConfig } from './compose.ts';
import { CONTENTS, DATABASE } from './files.ts';
import { Fleet } from './fleet.ts';
import { ForeignKeeper } from './foreign.ts';
import { changeSince, withdraws } from './holders.ts';
import { relayNotices } from './notices.ts';
import { notesPasswordUse } from './password-use.ts';
import { PolicyReader, isSamePolicy, policyErrors, policyWarnings, problemText, refuseBroken } from './policy.ts';
import { givenPassphrases } from './signer-passphrase.ts';
import { startSpoolThread } from './threads/spool-client.ts';
import {
  caFiles,
  isSameMaterial,
  isSameTrust,
  ownIssuers,
  refuseWorse,
  routeFiles,
  serverCertificateFaults,
  tlsFiles,
  usableTlsMaterial,
} from './trust.ts';
import { startUpkeep, tasks, type Task } from './upkeep.ts';
import { utcOffset } from './utc-offset.ts';
import { version } from './version.ts';
import { WatchedFiles } from './watched-files.ts';
import { StatusService } from './responder.ts';
import { Web, webMaterial, webRoutes } from './web.ts';

/** How often files and ledger are looked at for changes made by others. */
const WATCH = 1_000;
const TICKET_KEYS = 48;
/** Who mints the ids of our own mail: front threads are 0 to 29, the delivery thread 31. */
const NOTICE_WRITER = 30;
/** A map is one file, and an editor soon done with it. */
const MAP_PATIENCE = 1_000;
/** What is stapled is asked for anew this often; it counts for a day. */
const STAPLE_AGE = 3_600_000;
/** A version before that of any ledger. */
const NOTHING_KNOWN = -1;

export interface DaemonOptions {
  readonly directory: string;
  /** Passphrase of the issuing key, when one was given; wiped once the signer has it. */
  readonly passphrase?: Buffer | undefined;
  /** Brings the directory's configuration up to date before it is read; undefined: it is somebody else's work. Throws an OperationError. */
  readonly prepare?: (() => void) | undefined;
  /** Told when everything listens, with the listeners as they are. */
  readonly ready: (relay: LiveRelay, config: Config) => void;
}

/** Runs until a signal ends it. Rejects when it cannot start; what was begun is then undone. */
export async function runDaemon({ directory, passphrase, prepare, ready }: DaemonOptions): Promise<void> {
  process.umask(0o077);
  prepare?.();
  let config = readConfig(directory);
  const log = logSink({
    ...config.log,
    destination: config.log.destination === 'stderr' ? 'stderr' : inDirectory(directory, config.log.destination),
    isTerminal: process.stderr.isTTY,
  });
  const counters = eventCounters();
  let passwordUse: EventSink | undefined;
  const events: EventSink = {
    tell(event, at) {
      counters.tell(event);
      passwordUse?.tell(event);
      log.tell(event, at);
    },
  };
  const trouble = (where: string, thrown: unknown): void =>
    events.tell({ kind: 'trouble', where, detail: asFault(thrown).detail });

  await using stack = new AsyncDisposableStack();
  stack.defer(() => log.flush());
  // Until everything has ended: a SIGHUP meanwhile must not kill, and a second SIGTERM means now.
  let offSignals = (): void => {};
  stack.defer(() => offSignals());
  const clock = systemClock();
  const random = systemRandom();
  let ticketKeys = random.bytes(TICKET_KEYS);
  let material = usableTlsMaterial(config, directory, ticketKeys);
  const policies = new PolicyReader(directory);
  let policy = await policies.read(config);
  const contents = join(directory, CONTENTS);

  // The socket comes before the spool: it keeps a second relay off this directory, whose spool thread would take what the
  // first is just receiving for leftovers, and remove it.
  const opened = Promise.withResolvers<AdminContext>();
  opened.promise.catch(() => {}); // told by whatever kept the relay from starting
  const control = await serveControl(controlSocket(config, directory), async (name, input, actor) =>
    runOperation({ ...(await opened.promise), actor }, name, input),
  );
  let closing: Promise<void> | undefined;
  const closeControl = (): Promise<void> => {
    opened.reject(new Error('the relay did not start'));
    return (closing ??= control.close());
  };
  stack.defer(closeControl);

  const ledger = openLedger(join(directory, DATABASE));
  stack.defer(() => ledger.close());
  const spool = await startSpoolThread({ database: join(directory, DATABASE), contents });
  stack.defer(() => spool.stop());

  // What is in the ledger when a front thread starts, it looks up; from this version on it is told.
  let known = ledger.version();
  let issuers = ownIssuers(config, directory);
  const trust = new ForeignKeeper({
    directory,
    events,
    clock,
    async apply(snapshot) {
      // Sessions that could be resumed were judged by what was trusted before.
      ticketKeys = random.bytes(TICKET_KEYS);
      material = stapled({ ...material, ticketKeys });
      await fleet.foreign(snapshot, material);
      web.update({ tls: webMaterial(config, directory, material) });
    },
  });
  stack.defer(() => trust.stop());
  const state = { config, material, issuers, foreign: trust.snapshot(), policy };
  const fleet = new Fleet({ directory, database: join(directory, DATABASE), contents, spool, events }, state);

  /** The material with what our OCSP responder says of the certificate in it. */
  const stapled = (next: TlsMaterial): TlsMaterial =>
    next.unusable === undefined ? { ...next, staple: status?.staple(next.certificate) } : next;
  let status: StatusService | undefined;
  /** Tells the front threads what changed in the ledger; resolves when all know. */
  const tellHolders = async (judgeAnew: boolean): Promise<void> => {
    const change = changeSince(ledger, known);
    const anew = judgeAnew || withdraws(change);
    known = change.version;
    status?.forget();
    // Sessions that could be resumed were judged before: with new ticket keys they are judged again.
    if (anew) ticketKeys = random.bytes(TICKET_KEYS);
    // What is in force: files that are just being changed must not keep a revocation from taking effect.
    if (anew) material = stapled({ ...material, ticketKeys });
    try {
      await fleet.holders({ issuers: issuersNow(), entries: change.entries }, anew ? material : undefined);
    } catch (error) {
      known = NOTHING_KNOWN;
      throw error;
    }
    if (anew) web.update({ tls: webMaterial(config, directory, material) });
  };
  const issuersNow = (): readonly string[] => {
    try {
      issuers = ownIssuers(config, directory);
    } catch (error) {
      trouble('certificate authority', error);
    }
    return issuers;
  };
  const web = new Web({
    routes: [],
    tls: webMaterial(config, directory, material),
    onTrouble: (detail) => events.tell({ kind: 'trouble', where: 'web', detail }),
  });
  const live: LiveRelay = {
    startedAt: Date.now(),
    refresh: () => tellHolders(false),
    refreshPasswords: () => fleet.passwords(),
    reloadTrust: () => trust.reload(),
    fetchCrl: (name) => trust.fetch(name),
    retryHops: () => fleet.retryHops(),
    listening: () => [
      ...fleet.listeners.map(({ name, address, port, tls }) => ({ name, address, port, tls })),
      ...web.listening,
    ],
    counts: async () => ({ sessions: await fleet.sessions(), ...counters.totals() }),
  };
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
  passwordUse = notesPasswordUse(context.passwords, clock, trouble);
  opened.resolve(context);
  stack.defer(closeControl);
  stack.defer(() => fleet.stop(config.limits.drainTime));
  const stopped = Promise.withResolvers<void>();
  let [started, ending] = [false, false];
  // From here on clients can have begun something that a signal must not cut off.
  offSignals = onSignals({
    stop(signal) {
      ending = true;
      events.tell({ kind: 'stopping', signal });
      stopped.resolve();
    },
    abort() {
      log.flush();
      process.exit(1);
    },
    reload() {
      log.reopen();
      // What a start reads is as it is now.
      if (ending || !started) return;
      void attempt('configuration', async () => {
        prepare?.();
        const next = readConfig(directory);
        // Everything it names is read before anything changes: a reload takes effect whole or not at all.
        const nextMaterial = usableTlsMaterial(next, directory, ticketKeys, material);
        refuseBroken(await policies.read(next), policy);
        [config, material] = [next, stapled(nextMaterial)];
        Object.assign(context, { config });
        await context.custody.reload();
        await fleet.config(config, config.limits.drainTime);
        await web.configure(config);
        await tellHolders(true);
        await mapFiles.takeNow();
        tellCertificateFaults();
      });
    },
  });
  await fleet.start();
  const responder = new StatusService(context);
  status = responder;
  const acme = startAcme(context);
  stack.defer(() => acme.close());
  web.update({ routes: webRoutes(context, responder, acme) });
  stack.defer(() => web.close(config.limits.drainTime));
  await web.configure(config);
  acme.resume().catch((error: unknown) => trouble('ACME', error));
  const tellProblems = (): void => {
    for (const problem of policyErrors(policy)) trouble('tables', problemText(problem));
    // A large map is looked at for long: it is in force meanwhile.
    void policyWarnings(policy)
      .then((warnings) => warnings.forEach((problem) => trouble('access map', problemText(problem))))
      .catch((error: unknown) => trouble('access map', error));
  };
  const tellCertificateFaults = (): void => {
    for (const fault of serverCertificateFaults(config, material, clock.now())) trouble('server certificate', fault);
  };
  tellProblems();
  tellCertificateFaults();
  events.tell({
    kind: 'started',
    version,
    listeners: fleet.listeners.map(
      ({ name, address, port }) => `${name} ${address.includes(':') ? `[${address}]` : address}:${port}`,
    ),
  });

  const mapFiles = new WatchedFiles({
    what: 'access map',
    files: () => [join(directory, 'access'), ...policies.files(config)],
    async take() {
      const next = await policies.read(config);
      if (isSamePolicy(next, policy)) return false;
      refuseBroken(next, policy);
      policy = next;
      tellProblems();
      await fleet.policy(policy);
      return true;
    },
    patience: MAP_PATIENCE,
    events,
    clock,
  });
  const serverFiles = new WatchedFiles({
    what: 'TLS files',
    files: () => tlsFiles(config, directory),
    async take() {
      const next = usableTlsMaterial(config, directory, ticketKeys, material);
      if (isSameMaterial(next, material)) return false;
      refuseWorse(config, next, material, clock.now());
      // Sessions of clients whose CA is believed no more cannot be resumed.
      if (!isSameTrust(next, material)) ticketKeys = random.bytes(TICKET_KEYS);
      material = stapled({ ...next, ticketKeys });
      web.update({ tls: webMaterial(config, directory, material) });
      await fleet.material(material);
      tellCertificateFaults();
      return true;
    },
    events,
    clock,
  });
  const signerFiles = new WatchedFiles({
    what: 'certificate authority',
    // The key is looked at from outside and never read here.
    files: () => caFiles(config, directory),
    async take(again) {
      if (!again) await context.custody.reload();
      return !again;
    },
    events,
    clock,
  });
  const hopFiles = new WatchedFiles({
    what: 'certificate files of routes',
    files: () => routeFiles(config, directory),
    async take() {
      const { renewed, faults } = await fleet.renewContexts();
      if (faults.length > 0) throw new Error(faults.join('; '));
      return renewed > 0;
    },
    events,
    clock,
  });
  /** Does a part again; a fault is told, and what is in force stays in force. */
  const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
      events.tell({ kind: 'reloaded', what });
    } catch (error) {
      trouble(`reload of ${what}`, error);
    }
  };

  let watching = false;
  const watch = async (): Promise<void> => {
    if (watching) return;
    watching = true;
    try {
      if (ledger.version() !== known) await tellHolders(false);
      for (const files of [mapFiles, serverFiles, signerFiles, hopFiles]) await files.look();
      await trust.look();
    } catch (error) {
      trouble('watch', error);
    } finally {
      watching = false;
    }
  };
  const watcher = setInterval(() => void watch(), WATCH);
  stack.defer(() => clearInterval(watcher));

  void spool.ended.then((fault) => {
    if (fault !== undefined) stopped.reject(fault);
  });

  started = true;
  ready(live, config);
  // Whether the authority can sign is told when it starts, and not to the first who needs it.
  if (config.tls.ownAuthority) void context.door().catch((error: unknown) => trouble('certificate authority', error));
  const ocspTask: Task = {
    name: 'OCSP responder',
    every: STAPLE_AGE,
    async run() {
      if (!config.tls.ownAuthority) return;
      await responder.keep();
      material = stapled(material);
      web.update({ tls: webMaterial(config, directory, material) });
      await fleet.material(material);
    },
  };
  const book = openNoticeBook(join(directory, DATABASE));
  stack.defer(() => book.close());
  const notices = relayNotices({
    spool: spool.spool,
    book,
    mint: idMinter(clock, NOTICE_WRITER, await spool.spool.lastId()),
    clock,
    events,
    utcOffset,
    hostname: () => config.delivery.hostname ?? config.hostname,
    routes: () => deliverySettings(config, directory, []).routes,
  });
  const upkeep = startUpkeep({
    tasks: [...tasks, ocspTask],
    context: () => ({ ...context, notices }),
    clock,
    events,
  });
  stack.defer(() => upkeep.stop());
  await stopped.promise;
}
