/**
 * A whole relay without sockets, disk or time: `inbound()` and `outbound()` of the spine between scripted clients and
 * scripted hops, on a spool that survives the crashes of the program. A seed decides all that is random; the clock goes
 * on only when everything has settled; so a run is the same each time, and any moment of it can be made its end.
 */
import type { Ms } from '../../src/base/clock.ts';
import type { RelayEvent } from '../../src/base/event.ts';
import { idMinter } from '../../src/base/id.ts';
import type { Random } from '../../src/base/random.ts';
import { sweep } from '../../src/platform/files/content-store.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import { Admission } from '../../src/relay/connection/admission.ts';
import type { ListenerRole } from '../../src/relay/connection/connection.ts';
import type { Dialer } from '../../src/relay/delivery/dialer.ts';
import type { Resolver } from '../../src/relay/delivery/resolver.ts';
import type { DeliverySettings, RouteSettings } from '../../src/relay/delivery/settings.ts';
import { holderDirectory, type HolderEntry, type HolderTable } from '../../src/relay/identity/holders.ts';
import { inbound, outbound, type Inbound, type Outbound } from '../../src/relay/relay.ts';
import type { ScheduleSettings } from '../../src/relay/schedule/settings.ts';
import type { SessionLimits } from '../../src/relay/session/limits.ts';
import { fakeClock, type FakeClock } from '../fakes/clock.ts';
import { fakeConnection, type FakeConnection } from '../fakes/connection.ts';
import { fakeNetwork, type FakeNetwork } from '../fakes/network.ts';
import { seededRandom } from '../fakes/random.ts';
import { fakeResolver, type FakeResolver } from '../fakes/resolver.ts';
import { SimClient, type ClientPlan, type ClientWorld } from './client.ts';
import { isHopeless, listenAsHost, zoneAt, type DomainPlan } from './hops.ts';
import { Life, never } from './life.ts';
import type { People } from './people.ts';
import type { Plant } from './plants.ts';
import { Storage, type Fate, type PortCall, type StoragePorts } from './storage.ts';
import { Witness } from './witness.ts';

/** What happens at a time since the start, whatever else goes on. */
export type Action =
  | { readonly at: Ms; readonly kind: 'restart' | 'kill' }
  | { readonly at: Ms; readonly kind: 'withdraw'; readonly holder: HolderEntry }
  | { readonly at: Ms; readonly kind: 'step-clock'; readonly by: Ms };

export interface WorldPlan {
  readonly seed: number;
  readonly clients: readonly ClientPlan[];
  readonly domains: readonly DomainPlan[];
  readonly actions?: readonly Action[];
  /** What becomes of each port call; undefined: all goes well. */
  readonly fate?: (call: PortCall, world: World) => Fate;
  readonly schedule?: Partial<ScheduleSettings>;
  /** False: the spool's signal gets lost. */
  readonly rings?: boolean;
  readonly plant?: Plant;
}

export const LOCAL_DOMAIN = 'example.net';
const HOUR: Ms = 3_600_000;
/** A program that crashed or was ended starts again after this. */
const DOWN: Ms = 1_000;
/** Somebody notices that the program hangs, and kills it. */
const NOTICED: Ms = 5 * 60_000;
const GRACE: Ms = 30_000;
/** An end in good order that takes longer is cut short. */
const LONGEST_STOP: Ms = 90_000;
const OWNER = 1;
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

const POLICY: AccessPolicy = {
  map: undefined,
  localDomains: new Set([LOCAL_DOMAIN]),
  relayDomains: new Set(),
  trustedNetworks: [],
  trustExternal: false,
  blocklistRecipients: false,
  delayChecks: false,
};

const SCHEDULE: ScheduleSettings = {
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

/** The program as it runs in one life. */
interface Running {
  readonly life: Life;
  readonly directory: HolderTable;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly connections: Map<FakeConnection, SimClient>;
  /** Takes connections. */
  listening: boolean;
  /** Delivery has begun. */
  started: boolean;
}

export class World {
  readonly clock: FakeClock = fakeClock();
  readonly witness: Witness;
  readonly storage: Storage;
  readonly network: FakeNetwork;
  /** Everything worth telling, in order. */
  readonly lines: string[] = [];
  readonly troubles: string[] = [];
  readonly events: RelayEvent[] = [];
  readonly #plan: WorldPlan;
  readonly #people: People;
  readonly #start: Ms;
  readonly #random: Random;
  readonly #resolver: FakeResolver;
  readonly #clients: SimClient[];
  readonly #withdrawn = new Map<string, HolderEntry>();
  #running: Running | undefined;
  #lives = 0;
  /** The last life ended in good order with nothing gone wrong in it. */
  #clean = true;
  #actionsLeft: number;
  #version = 1;
  /** Calls go well, whatever the plan says. */
  calm = false;

  constructor(plan: WorldPlan, people: People) {
    this.#plan = plan;
    this.#people = people;
    this.#start = this.clock.monotonic();
    this.#random = seededRandom(plan.seed);
    const expiry = plan.schedule?.expiry ?? SCHEDULE.expiry;
    const delayNotice = plan.schedule?.delayNotice ?? SCHEDULE.delayNotice;
    const reachable = new Set(plan.domains.filter((domain) => !isHopeless(domain)).map(({ name }) => name));
    this.witness = new Witness({
      now: () => this.clock.now(),
      expiry,
      delayNotice,
      isHopeless: (domain) => !reachable.has(domain),
    });
    const latencies = seededRandom(plan.seed + 1);
    this.storage = new Storage({
      clock: this.clock,
      fate: (call) => (this.calm ? { kind: 'well' } : (plan.fate?.(call, this) ?? { kind: 'well' })),
      latency: () => Math.floor(latencies.fraction() * 3),
      told: ({ name, number }, fate) =>
        this.log(`call ${number} ${name}${fate.kind === 'well' ? '' : ` ${JSON.stringify(fate)}`}`),
      stuck: (life, kind) => {
        if (kind === 'crash') this.#end(life, false);
        else this.clock.after(NOTICED, () => this.#end(life, false));
      },
      ring: (lanes) => {
        const now = this.#running;
        if (plan.rings !== false && now?.life.alive) now.outbound.schedule.ring(lanes);
      },
    });
    this.network = fakeNetwork();
    this.#resolver = fakeResolver();
    for (const host of plan.domains.flatMap(({ hosts }) => hosts))
      listenAsHost(host, this.network, this.clock, this.witness);
    this.#clients = plan.clients.map((client) => this.#client(client));
    this.#actionsLeft = plan.actions?.length ?? 0;
    for (const action of plan.actions ?? []) this.clock.after(action.at, () => this.#act(action));
  }

  /** Time since the start. */
  get since(): Ms {
    return this.clock.monotonic() - this.#start;
  }

  get lives(): number {
    return this.#lives;
  }

  log(line: string): void {
    this.lines.push(`${this.since} [${this.#lives}] ${line}`);
  }

  /** Runs from the first start until every client is through and the spool is empty, at most for `limit`. */
  async run(limit: Ms = 2 * 24 * HOUR): Promise<void> {
    this.#boot();
    await this.#until(() => this.#isOver(), limit);
  }

  /** Runs for a time. */
  async spend(span: Ms): Promise<void> {
    if (this.#lives === 0) this.#boot();
    await this.clock.advance(span);
  }

  /** Ends the program in good order, starts it again, and judges: nothing is left, and everything that must hold does. */
  async finish(): Promise<void> {
    this.calm = true;
    const lives = this.#lives;
    this.#stop();
    await this.#until(() => this.#lives > lives && this.#isOver(), HOUR);
    const left = await this.storage.spool.counts();
    if (left.entries > 0) this.witness.violated(`${left.entries} entries stay in the spool`);
    const refs = await this.storage.contents.refs();
    if (refs.length > 0) this.witness.violated(`contents stay behind: ${refs.join(', ')}`);
    this.witness.judge();
  }

  // Time

  async #until(isOver: () => boolean, limit: Ms): Promise<void> {
    const end = this.clock.monotonic() + limit;
    await this.clock.settle();
    while (!isOver() || !(await this.#isEmpty())) {
      const next = this.clock.untilNext();
      if (next === undefined || this.clock.monotonic() + next > end)
        return this.witness.violated(`not over after ${limit} ms: ${await this.#whatIsLeft()}`);
      await this.clock.advance(next);
    }
  }

  #isOver(): boolean {
    const now = this.#running;
    if (now === undefined || !now.started || this.#actionsLeft > 0 || !this.#clients.every((one) => one.done))
      return false;
    const { active, unsettled, waiting } = now.outbound.schedule.load();
    return active + unsettled + waiting === 0;
  }

  async #isEmpty(): Promise<boolean> {
    return (await this.storage.spool.counts()).entries === 0;
  }

  async #whatIsLeft(): Promise<string> {
    const entries = await this.storage.spool.list({}, 10);
    const clients = this.#clients.filter((one) => !one.done).map((one) => one.plan.name);
    const rows = entries.flatMap(({ deliveries }) => deliveries.map((one) => `${one.recipient} ${one.lastDetail}`));
    return `clients ${clients.join(', ') || 'none'}; rows ${rows.join(', ') || 'none'}`;
  }

  // Lives

  #boot(): void {
    const life = new Life(++this.#lives, this.clock);
    this.log('starts');
    void this.#begin(life);
  }

  async #begin(life: Life): Promise<void> {
    const rows = await this.storage.spool.list({}, Number.MAX_SAFE_INTEGER);
    this.witness.began(
      rows.flatMap(({ deliveries, messageId }) =>
        deliveries.map(({ recipient }) => ({ messageId: messageId ?? '', recipient })),
      ),
      !this.#clean,
    );
    this.#clean = false;
    try {
      const ports = this.#ports(life);
      await sweep(ports.contents, ports.store);
      const now = await this.#compose(life, ports);
      this.#running = now;
      now.listening = true;
      await now.outbound.schedule.start();
      now.started = true;
    } catch (thrown) {
      this.log(`cannot start: ${String(thrown)}`);
      this.#end(life, false);
    }
  }

  #ports(life: Life): StoragePorts {
    const ports = this.storage.ports(life);
    const { plant } = this.#plan;
    let count = 0;
    return plant === undefined ? ports : plant(ports, () => ++count);
  }

  async #compose(life: Life, { contents, store }: StoragePorts): Promise<Running> {
    const { clock } = life;
    const lastId = await store.lastId();
    const directory = holderDirectory();
    directory.replace({
      version: this.#version,
      issuers: [this.#people.issuer],
      entries: [this.#people.alice, this.#people.carol].map(
        ({ record }) => this.#withdrawn.get(record.serial) ?? record,
      ),
    });
    const events = { tell: (event: RelayEvent) => this.#told(life, event) };
    const seed = this.#plan.seed * 1_000 + life.number;
    const schedule = { ...SCHEDULE, ...this.#plan.schedule };
    return {
      life,
      directory,
      listening: false,
      started: false,
      connections: new Map(),
      inbound: inbound({
        hostname: DELIVERY.hostname,
        version: '0.1.0',
        limits: () => LIMITS,
        policy: () => POLICY,
        directory,
        peerName: () => Promise.resolve({ state: 'ok', name: 'client.example.org' }),
        store: { accept: (batch) => this.#accept(batch, store.accept(batch)) },
        contents,
        routes: () => ROUTES,
        mintId: idMinter(clock, 0, lastId),
        clock,
        events,
        utcOffset: () => 0,
        admission: new Admission(),
      }),
      outbound: outbound({
        store,
        contents,
        resolver: this.#resolverOf(life),
        dialer: this.#dialerOf(life),
        delivery: DELIVERY,
        schedule: () => schedule,
        mintId: idMinter(clock, DELIVERY_WRITER, lastId),
        utcOffset: () => 0,
        clock,
        random: seededRandom(seed),
        events,
        owner: OWNER,
      }),
    };
  }

  #accept(batch: Parameters<StoragePorts['store']['accept']>[0], accepting: Promise<number>): Promise<number> {
    for (const { id, origin } of batch) {
      if (origin.serial !== undefined && this.#withdrawn.has(origin.serial))
        this.witness.violated(`entry ${id} was taken from a holder who had been withdrawn`);
    }
    return accepting;
  }

  #told(life: Life, event: RelayEvent): void {
    if (!life.alive) return;
    this.events.push(event);
    if (event.kind === 'trouble') this.troubles.push(`${event.where}: ${event.detail}`);
    if (event.kind === 'trouble') this.log(`trouble ${event.where}: ${event.detail}`);
    else if (event.kind === 'attempted')
      this.log(`attempted ${event.recipient} ${event.outcome} ${event.status} ${event.remote ?? ''}`);
  }

  #resolverOf(life: Life): Resolver {
    const ask = <T>(question: () => Promise<T>): Promise<T> => {
      if (!life.alive) return never();
      this.#resolver.zone = zoneAt(this.#plan.domains, this.since);
      return question();
    };
    return {
      mx: (domain) => ask(() => this.#resolver.mx(domain)),
      addresses: (host) => ask(() => this.#resolver.addresses(host)),
      reverse: (address) => ask(() => this.#resolver.reverse(address)),
    };
  }

  #dialerOf(life: Life): Dialer {
    return {
      dial: async (target, handler, signal) => {
        if (!life.alive) return never();
        const result = await this.network.dial(target, handler, signal);
        if (result.kind === 'connected') {
          if (life.alive) life.atEnd(() => result.connection.destroy());
          else result.connection.destroy();
        }
        return result;
      },
    };
  }

  /** `clean`: in good order. */
  #end(life: Life, clean: boolean): void {
    if (!life.alive) return;
    const now = this.#running;
    this.log(clean ? 'ends' : 'crashes');
    this.#running = undefined;
    life.end();
    this.#clean = clean && !life.disturbed;
    for (const [connection, client] of now?.connections ?? []) client.severed(connection);
    this.clock.after(DOWN, () => this.#boot());
  }

  #stop(): void {
    const now = this.#running;
    if (now === undefined) return;
    this.log('is stopped');
    now.listening = false;
    void this.#drain(now);
    this.clock.after(LONGEST_STOP, () => this.#end(now.life, false));
  }

  async #drain({ inbound: front, life, outbound: delivery }: Running): Promise<void> {
    await Promise.all([front.sessions.drain(), delivery.schedule.stop(GRACE)]);
    delivery.carrier.close();
    this.#end(life, true);
  }

  // The world around

  #client(plan: ClientPlan): SimClient {
    const world: ClientWorld = {
      clock: this.clock,
      random: this.#random,
      witness: this.witness,
      connect: (role, address) => this.#connect(client, role, address),
      log: (line) => this.log(line),
    };
    const client: SimClient = new SimClient(plan, world);
    return client;
  }

  #connect(client: SimClient, role: ListenerRole, address: string): FakeConnection | undefined {
    const now = this.#running;
    if (now === undefined || !now.listening) return undefined;
    const connection = fakeConnection({ name: role, role, port: role === 'submission' ? 587 : 25 }, address);
    now.connections.set(connection, client);
    now.inbound.serve(connection);
    return connection;
  }

  #act(action: Action): void {
    this.#actionsLeft -= 1;
    const now = this.#running;
    switch (action.kind) {
      case 'restart':
        return this.#stop();
      case 'kill':
        if (now !== undefined) this.#end(now.life, false);
        return;
      case 'step-clock':
        return this.clock.stepWall(action.by);
      case 'withdraw': {
        const record: HolderEntry = { ...action.holder, state: 'revoked' };
        this.#withdrawn.set(record.serial, record);
        this.log(`withdraws ${record.holder}`);
        this.#version += 1;
        now?.directory.change({ version: this.#version, entries: [record] });
        now?.inbound.sessions.recheck(new Set([record.serial]));
      }
    }
  }
}

/** Runs a world to its end and judges it. */
export async function runWorld(plan: WorldPlan, people: People, limit?: Ms): Promise<World> {
  const world = new World(plan, people);
  await world.run(limit);
  await world.finish();
  return world;
}
