/**
 * The threads that serve mail, in the hands of the main thread: front threads and the delivery thread around the spool
 * thread. Starts them, brings them up to date together, starts one again that died, and ends them in order.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { EventSink } from '../base/event.ts';
import { asFault } from '../base/fault.ts';
import type { Id } from '../base/id.ts';
import { statuses } from '../base/status.ts';
import type { Config } from '../config/schema.ts';
import { frontThreads, listeners as listenersOf } from '../config/settings.ts';
import type { RenewedContexts } from '../platform/net/client-contexts.ts';
import { checkFree } from '../platform/net/listener.ts';
import type { TlsMaterial } from '../platform/net/tls-contexts.ts';
import type { ListenerSettings } from '../relay/connection/connection.ts';
import type { ForeignSnapshot } from '../relay/identity/foreign.ts';
import type { HolderChange } from '../relay/identity/holders.ts';
import { machine, reachableAt } from './machine.ts';
import type { PolicySource } from './policy.ts';
import { guessMemory } from '../relay/session/auth/guesses.ts';
import { systemRandom } from '../platform/process/random.ts';
import { countsMemory } from './shared-counts.ts';
import {
  deliveryMethods,
  eventMethods,
  frontMethods,
  type DeliveryControl,
  type DeliveryStart,
  type EventDesk,
  type FrontControl,
  type FrontStart,
} from './threads/contracts.ts';
import { remote, serve } from './threads/rpc.ts';
import type { SpoolThread } from './threads/spool-client.ts';

/** Everything that threads are given, as it is now: a thread that starts late starts with the latest. */
export interface FleetState {
  config: Config;
  material: TlsMaterial;
  /** Names of our own issuing CAs. */
  issuers: readonly string[];
  /** CAs from outside that are trusted by rules of their own. */
  foreign: ForeignSnapshot;
  policy: PolicySource;
}

export interface FleetParts {
  readonly directory: string;
  readonly database: string;
  readonly contents: string;
  readonly spool: SpoolThread;
  readonly events: EventSink;
  /** A thread that died starts again after so many ms; undefined: a second. */
  readonly restartAfter?: number;
}

/** Ids are minted by up to 30 front threads (writers 0 to 29) and the delivery thread. */
const DELIVERY_WRITER = 31;
/** A thread that died is started again after this. */
const RESTART = 1_000;

interface Thread<C> {
  readonly control: C;
  readonly worker: Worker;
}

export class Fleet {
  readonly #parts: FleetParts;
  readonly #state: FleetState;
  readonly #counts = countsMemory();
  readonly #guesses = guessMemory(systemRandom().bytes(16), Date.now());
  #listeners: readonly ListenerSettings[] = [];
  #fronts: Thread<FrontControl>[] = [];
  #delivery: Thread<DeliveryControl> | undefined;
  #stopping = false;

  constructor(parts: FleetParts, state: FleetState) {
    this.#parts = parts;
    this.#state = { ...state };
  }

  /** Listeners with the ports they really have. */
  get listeners(): readonly ListenerSettings[] {
    return this.#listeners;
  }

  /** Resolves when every port is open and the queue is being worked. Rejects when a port cannot be opened. */
  async start(): Promise<void> {
    const { cores, ...here } = machine();
    const wanted = listenersOf(this.#state.config, here);
    for (const listener of wanted) await checkFree(listener);
    const first = await this.#startFront(0);
    const opened = await first.control.listen(wanted);
    this.#listeners = wanted.map((listener, index) => ({ ...listener, port: opened[index]?.port ?? listener.port }));
    for (let index = 1; index < frontThreads(this.#state.config, cores); index++) {
      await (await this.#startFront(index)).control.listen(this.#listeners);
    }
    try {
      await this.startDelivery();
    } catch (error) {
      // A start needs no space on the disk: the thread is begun again like one that died, and mail may make room.
      if (asFault(error).status !== statuses['storage-full']) throw error;
    }
  }

  /**
   * After a change in the ledger: resolves when every front thread knows; gives the number of sessions that were ended.
   * `material`: with new ticket keys, when something was withdrawn.
   */
  async holders(change: HolderChange, material: TlsMaterial | undefined): Promise<number> {
    this.#state.issuers = change.issuers;
    if (material !== undefined) this.#state.material = material;
    const ended = await Promise.all(this.#fronts.map(({ control }) => control.holders(change, material)));
    return ended.reduce((sum, count) => sum + count, 0);
  }

  /** CAs from outside changed: resolves when every session knows. `material` has new ticket keys. */
  async foreign(foreign: ForeignSnapshot, material: TlsMaterial): Promise<void> {
    Object.assign(this.#state, { foreign, material });
    await Promise.all(this.#fronts.map(({ control }) => control.foreign(foreign, material)));
  }

  /** After a change of passwords: resolves when every session that logged in by one that counts no more is ended. */
  async passwords(): Promise<void> {
    await Promise.all(this.#fronts.map(({ control }) => control.passwords()));
  }

  async material(material: TlsMaterial): Promise<void> {
    this.#state.material = material;
    await Promise.all(this.#fronts.map(({ control }) => control.material(material)));
  }

  async policy(policy: PolicySource): Promise<void> {
    this.#state.policy = policy;
    await Promise.all([
      ...this.#fronts.map(({ control }) => control.policy(policy)),
      this.#delivery?.control.policy(policy),
    ]);
  }

  /** Sessions that are open now. */
  async sessions(): Promise<number> {
    const counts = await Promise.all(this.#fronts.map(({ control }) => control.sessions()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Destinations that did not answer may be tried again at once. */
  async retryHops(): Promise<void> {
    await this.#delivery?.control.retry();
  }

  /** Certificate files of routes changed; those that cannot be used leave what is in force. */
  async renewContexts(): Promise<RenewedContexts> {
    return (await this.#delivery?.control.renewContexts()) ?? { renewed: 0, faults: [] };
  }

  /** Fronts take it at once; the delivery thread is replaced, after it has finished what it is at. */
  async config(config: Config, grace: number): Promise<void> {
    this.#state.config = config;
    await Promise.all(this.#fronts.map(({ control }) => control.config(config)));
    await this.#stopDelivery(grace);
    await this.startDelivery();
  }

  /** Ends sessions and attempts in good order, then the threads. What takes longer than `grace` ms is cut. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    const fronts = this.#fronts;
    this.#fronts = [];
    await Promise.all([
      ...fronts.map(async ({ control, worker }) => {
        await control.drain(grace);
        await worker.terminate();
      }),
      this.#stopDelivery(grace),
    ]);
  }

  async #startFront(index: number): Promise<Thread<FrontControl>> {
    const { directory, database, contents, spool } = this.#parts;
    const firstId = await this.#lastId();
    const control = new MessageChannel();
    const way = spool.connect();
    const start: FrontStart = {
      ...this.#state,
      writer: index,
      firstId,
      directory,
      database,
      contents,
      counts: this.#counts,
      guesses: this.#guesses,
      spool: way,
      control: control.port1,
      events: this.#eventPort(),
    };
    const worker = this.#startWorker('front', start, [way, control.port1, start.events]);
    const thread = { worker, control: remote(control.port2, frontMethods) };
    this.#fronts[index] = thread;
    this.#watch(worker, 'front thread', async () => {
      const next = await this.#startFront(index);
      try {
        await next.control.listen(this.#listeners);
      } catch (error) {
        await next.worker.terminate();
        throw error;
      }
    });
    return thread;
  }

  /** Rejects when the storage does not let it begin; it is then started again like one that died. */
  async startDelivery(): Promise<void> {
    const { directory, contents, spool } = this.#parts;
    const firstId = await this.#lastId();
    const control = new MessageChannel();
    const [way, ring, events] = [spool.connect(), spool.connectRing(), this.#eventPort()];
    const start: DeliveryStart = {
      config: this.#state.config,
      policy: this.#state.policy,
      writer: DELIVERY_WRITER,
      firstId,
      directory,
      contents,
      ownAddresses: reachableAt(this.#listeners),
      spool: way,
      ring,
      control: control.port1,
      events,
    };
    const worker = this.#startWorker('delivery', start, [way, ring, control.port1, events]);
    this.#delivery = { worker, control: remote(control.port2, deliveryMethods) };
    this.#watch(worker, 'delivery thread', () => this.startDelivery());
    try {
      await this.#delivery.control.start();
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /**
   * Asked for each thread anew: with a clock that was set back, a thread that takes the place of another would else
   * mint the ids that the other minted since the start.
   */
  #lastId(): Promise<Id> {
    return this.#parts.spool.spool.lastId();
  }

  async #stopDelivery(grace: number): Promise<void> {
    const thread = this.#delivery;
    this.#delivery = undefined;
    try {
      await thread?.control.stop(grace);
    } catch (error) {
      // It died: what it was at is in the spool.
      const detail = error instanceof Error ? error.message : String(error);
      this.#parts.events.tell({ kind: 'trouble', where: 'delivery thread', detail });
    }
    await thread?.worker.terminate();
  }

  #startWorker(name: 'front' | 'delivery', workerData: object, transferList: readonly MessagePort[]): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    return new Worker(new URL(`./threads/${name}-thread.${extension}`, import.meta.url), {
      name,
      workerData,
      transferList: [...transferList] as never,
    });
  }

  #eventPort(): MessageChannel['port1'] {
    const { port1, port2 } = new MessageChannel();
    const { events } = this.#parts;
    const desk: EventDesk = {
      tell: (list) => {
        for (const [at, event] of list) events.tell(event, at);
      },
    };
    serve(port2, desk, eventMethods);
    return port1;
  }

  /** A thread that ends unasked is told and started again; what it held is in the spool, or was never answered. */
  #watch(worker: Worker, where: string, again: () => Promise<void>): void {
    const tell = (detail: string): void => this.#parts.events.tell({ kind: 'trouble', where, detail });
    worker.on('error', (error) => tell(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    const inPlace = (): boolean =>
      this.#delivery?.worker === worker || this.#fronts.some((front) => front.worker === worker);
    const later = (): void => {
      setTimeout(() => {
        if (this.#stopping || !inPlace()) return;
        again().catch((error: unknown) => {
          tell(String(error));
          // A thread that took the place and could not begin has ended, and is seen to by its own exit.
          if (inPlace()) later();
        });
      }, this.#parts.restartAfter ?? RESTART);
    };
    worker.on('exit', () => {
      if (this.#stopping || !inPlace()) return;
      tell(`ended; it is started again`);
      later();
    });
  }
}
