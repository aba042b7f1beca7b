import { noRules } from '../../src/relay/recipients/rules.ts';
import { barePolicy } from '../fakes/policy.ts';
import { sleep, type Ms } from '../../src/base/clock.ts';
import type { EventSink } from '../../src/base/event.ts';
import { idMinter, type Id } from '../../src/base/id.ts';
import { sweep } from '../../src/platform/files/content-store.ts';
import { plainManner } from '../../src/protocol/smtp/server-manner.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import { Admission } from '../../src/relay/connection/admission.ts';
import type { Connection } from '../../src/relay/connection/connection.ts';
import type { Dialer } from '../../src/relay/delivery/dialer.ts';
import type { Resolver } from '../../src/relay/delivery/resolver.ts';
import type { DeliverySettings, RouteSettings } from '../../src/relay/delivery/settings.ts';
import { holderCache, type HolderCache, type HolderEntry } from '../../src/relay/identity/holders.ts';
import { inbound, outbound, type Inbound, type Outbound } from '../../src/relay/relay.ts';
import type { ScheduleSettings } from '../../src/relay/schedule/settings.ts';
import type { SessionLimits } from '../../src/relay/session/limits.ts';
import type { NewEntry } from '../../src/relay/spool/spool.ts';
import { seededRandom } from '../fakes/random.ts';
import type { Life } from './life.ts';
import type { StoragePorts } from './storage.ts';

export const LOCAL_DOMAIN = 'example.net';
const HOUR: Ms = 3_600_000;
const GRACE: Ms = 30_000;
const OWNER = 1;
/** Numbers of the front threads' minters, and of the delivery thread's. */
const FRONTS: readonly number[] = [0, 1];
const DELIVERY_WRITER = 31;

const LIMITS: SessionLimits = {
  commandLine: 512,
  authLine: 12_288,
  messageSize: 1_000_000,
  recipients: 10,
  messagesPerSession: 100,
  errors: 20,
  idleCommands: 50,
  buffer: 65_536,
  header: 10_000,
  hops: 100,
  sessionTime: HOUR,
  connections: 10,
  connectionsByAddress: 3,
  handshakeTime: 20_000,
  inlineContent: 3_000,
};

const POLICY: AccessPolicy = { ...barePolicy, localDomains: new Set([LOCAL_DOMAIN]) };

export const SCHEDULE: ScheduleSettings = {
  firstRetry: 300_000,
  longestRetry: 4_800_000,
  jitter: 0.1,
  expiry: 5 * 24 * HOUR,
  delayNotice: 4 * HOUR,
  concurrency: 8,
  concurrencyByDestination: 2,
  recipientsPerTransaction: 3,
  laneLease: 600_000,
  poll: 300_000,
};

const ROUTES: readonly RouteSettings[] = [];

const DELIVERY: DeliverySettings = {
  routes: ROUTES,
  hostname: 'relay.example.net',
  port: 25,
  connectTime: 30_000,
  replyTime: 300_000,
  contentTime: 600_000,
  idleTime: 30_000,
  messagesPerConnection: 3,
  ownAddresses: [{ address: '192.0.2.25', port: 25 }],
};

/** What a thread is given, in the name of its life. */
export interface ThreadParts {
  readonly ports: StoragePorts;
  readonly resolver: Resolver;
  readonly dialer: Dialer;
  readonly events: EventSink;
}

export interface ProgramParts {
  readonly life: Life;
  readonly thread: (life: Life) => ThreadParts;
  readonly schedule: ScheduleSettings;
  readonly seed: number;
  /** How long it takes to find the name of a client. */
  readonly nameTime: Ms;
  /** The ledger as it is now. */
  readonly holders: () => {
    readonly issuer: string;
    readonly entries: readonly HolderEntry[];
  };
  /** Told of each entry before the spool is asked to take it. */
  readonly offered: (entry: NewEntry, lastId: Id) => void;
}

/** A front thread. */
interface Front {
  readonly life: Life;
  readonly directory: HolderCache;
  readonly inbound: Inbound;
}

/** The delivery thread. */
interface Delivery extends Outbound {
  readonly life: Life;
}

/** A thread that died starts again after this. */
const RESTART: Ms = 1_000;

/** Both halves of the relay, put together as the daemon does it: two fronts and a delivery. */
export class Program {
  readonly life: Life;
  readonly #parts: ProgramParts;
  readonly #fronts: Front[];
  #delivery: Delivery | undefined;
  #deliveries = 0;
  #served = 0;

  private constructor(parts: ProgramParts, lastId: Id) {
    this.life = parts.life;
    this.#parts = parts;
    this.#fronts = FRONTS.map((writer) => this.#front(writer, lastId));
  }

  /** Sweeps the contents and starts the fronts. Rejects as the storage does. */
  static async open(parts: ProgramParts): Promise<Program> {
    const { contents, store } = parts.thread(parts.life).ports;
    await sweep(contents, store);
    return new Program(parts, await store.lastId());
  }

  /** Starts delivery. Rejects as the storage does. */
  async deliver(): Promise<void> {
    const { life: whole, schedule, seed } = this.#parts;
    const life = whole.thread();
    const { dialer, events, ports, resolver } = this.#parts.thread(life);
    const lastId = await ports.store.lastId();
    const halves = outbound({
      ...ports,
      resolver,
      dialer,
      delivery: DELIVERY,
      schedule: () => schedule,
      mintId: idMinter(life.clock, DELIVERY_WRITER, lastId),
      utcOffset: () => 0,
      clock: life.clock,
      random: seededRandom(seed + ++this.#deliveries),
      events,
      owner: OWNER,
    });
    this.#delivery = { ...halves, life };
    await halves.schedule.start();
  }

  /** The spool has something new. */
  ring(lanes: ReadonlySet<number>): void {
    this.#delivery?.schedule.ring(lanes);
  }

  /** Delivery runs and has nothing in its hands. */
  get idle(): boolean {
    if (this.#delivery?.life.alive !== true) return false;
    const { active, unsettled, waiting } = this.#delivery.schedule.load();
    return active + unsettled + waiting === 0;
  }

  /** The delivery thread dies and another one takes its place; `begins` is told just before. */
  killDelivery(begins: () => void): void {
    if (this.#delivery?.life.alive !== true) return;
    this.life.disturb();
    this.#delivery.life.end();
    this.#deliverAgain(begins);
  }

  #deliverAgain(begins: () => void): void {
    this.life.clock.after(RESTART, () => {
      begins();
      this.deliver().catch(() => {
        this.#delivery?.life.end();
        this.#deliverAgain(begins);
      });
    });
  }

  /** A front thread dies with its connections, and another one takes its place. */
  killFront(index: number): void {
    const place = index % this.#fronts.length;
    if (this.#fronts[place]?.life.alive !== true) return;
    this.#fronts[place].life.end();
    this.life.clock.after(RESTART, () => void this.#replace(place));
  }

  async #replace(place: number): Promise<void> {
    const { store } = this.#parts.thread(this.life).ports;
    try {
      this.#fronts[place] = this.#front(FRONTS[place] as number, await store.lastId());
    } catch {
      // The storage is in trouble; it is tried again.
      this.life.clock.after(RESTART, () => void this.#replace(place));
    }
  }

  /** Gives a connection to the next front that lives; false when there is none. `severed` is called when it dies. */
  serve(connection: Connection, severed: () => void): boolean {
    const living = this.#fronts.filter(({ life }) => life.alive);
    const front = living[this.#served++ % living.length];
    if (front === undefined) return false;
    front.life.atEnd(severed);
    front.inbound.serve(connection);
    return true;
  }

  /** The ledger changed. */
  withdraw(record: HolderEntry): void {
    for (const { directory, inbound: half, life } of this.#fronts) {
      if (!life.alive) continue;
      directory.learn({ issuers: [record.issuer], entries: [record] });
      half.sessions.recheck(new Set([record.serial]));
    }
  }

  /** Ends in good order; takes as long as the storage and the peers let it. */
  async stop(): Promise<void> {
    const fronts = this.#fronts.filter(({ life }) => life.alive);
    const delivery = this.#delivery?.life.alive === true ? this.#delivery : undefined;
    await Promise.all([...fronts.map((front) => front.inbound.sessions.drain()), delivery?.schedule.stop(GRACE)]);
    delivery?.carrier.close();
  }

  #front(writer: number, lastId: Id): Front {
    const { holders, nameTime, offered } = this.#parts;
    const life = this.life.thread();
    const { clock } = life;
    const { events, ports } = this.#parts.thread(life);
    const lookUp = (of: string, wanted: string): HolderEntry | undefined =>
      holders().entries.find(({ issuer, serial }) => issuer === of && serial === wanted);
    const directory = holderCache(lookUp, [holders().issuer], 1);
    const half = inbound({
      hostname: DELIVERY.hostname,
      version: '0.1.0',
      limits: () => LIMITS,
      manner: () => plainManner,
      policy: () => POLICY,
      recipients: () => noRules,
      directory,
      peerName: async () => {
        await sleep(clock, nameTime);
        return { state: 'ok', name: 'client.example.org' };
      },
      store: {
        accept: (batch) => {
          for (const entry of batch) offered(entry, lastId);
          return ports.store.accept(batch);
        },
      },
      contents: ports.contents,
      routes: () => ROUTES,
      mintId: idMinter(clock, writer, lastId),
      clock,
      events,
      utcOffset: () => 0,
      admission: new Admission(),
    });
    return { directory, inbound: half, life };
  }
}
