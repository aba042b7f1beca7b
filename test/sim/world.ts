/**
 * A whole relay without sockets, disk or time: `inbound()` and `outbound()` of the spine between scripted clients and
 * scripted hops, on a spool that survives the crashes of the program. A seed decides all that is random; the clock goes
 * on only when everything has settled; so a run is the same each time, and any moment of it can be made its end.
 */
import type { Ms } from '../../src/base/clock.ts';
import type { RelayEvent } from '../../src/base/event.ts';
import type { Id } from '../../src/base/id.ts';
import type { Random } from '../../src/base/random.ts';
import type { ListenerRole } from '../../src/relay/connection/connection.ts';
import type { Dialer } from '../../src/relay/delivery/dialer.ts';
import type { Resolver } from '../../src/relay/delivery/resolver.ts';
import type { HolderEntry } from '../../src/relay/identity/holders.ts';
import type { ScheduleSettings } from '../../src/relay/schedule/settings.ts';
import type { NewEntry } from '../../src/relay/spool/spool.ts';
import { fakeClock, type FakeClock } from '../fakes/clock.ts';
import { fakeConnection, type FakeConnection } from '../fakes/connection.ts';
import { fakeNetwork, type FakeNetwork } from '../fakes/network.ts';
import { seededRandom } from '../fakes/random.ts';
import { fakeResolver, type FakeResolver } from '../fakes/resolver.ts';
import { SimClient, type ClientPlan, type ClientWorld } from './client.ts';
import { isHopeless, listenAsHost, NO_ANSWER, zoneAt, type DomainPlan } from './hops.ts';
import { Life, never } from './life.ts';
import type { People } from './people.ts';
import type { Plant } from './plants.ts';
import { LOCAL_DOMAIN, Program, SCHEDULE, type ProgramParts } from './program.ts';
import { Storage, type Fate, type PortCall, type StoragePorts } from './storage.ts';
import { Witness } from './witness.ts';

/** What an operator does, or somebody else. */
export type Deed =
  | { readonly kind: 'restart' | 'kill' | 'kill-delivery' }
  | { readonly kind: 'kill-front'; readonly front: number }
  | { readonly kind: 'withdraw'; readonly holder: HolderEntry }
  | { readonly kind: 'step-clock'; readonly by: Ms };

/** A deed and its time since the start. */
export type Action = Deed & { readonly at: Ms };

export interface WorldPlan {
  readonly seed: number;
  readonly clients: readonly ClientPlan[];
  readonly domains: readonly DomainPlan[];
  readonly actions?: readonly Action[];
  /** What becomes of each port call; undefined: all goes well. */
  readonly fate?: (call: PortCall, world: World) => Fate;
  readonly schedule?: Partial<ScheduleSettings>;
  /** How long it takes to find the name of a client. */
  readonly nameTime?: Ms;
  /** False: the spool's signal gets lost. */
  readonly rings?: boolean;
  readonly plant?: Plant;
}

const HOUR: Ms = 3_600_000;
/** A program that crashed or was ended starts again after this. */
const DOWN: Ms = 1_000;
/** Somebody notices that the program hangs, and kills it. */
const NOTICED: Ms = 5 * 60_000;
/** An end in good order that takes longer is cut short. */
const LONGEST_STOP: Ms = 90_000;
/** Calls that nobody waits for end within this time. */
const SETTLING: Ms = 100;

/** The program in one life. */
interface Running {
  readonly program: Program;
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
  readonly events: { readonly at: Ms; readonly event: RelayEvent }[] = [];
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
      monotonic: () => this.clock.monotonic(),
      soonestRetry: (plan.schedule?.firstRetry ?? SCHEDULE.firstRetry) * 0.9,
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
        if (plan.rings !== false) now?.program.ring(lanes);
      },
    });
    this.network = fakeNetwork();
    this.#resolver = fakeResolver();
    for (const host of plan.domains.flatMap(({ hosts }) => hosts))
      listenAsHost(host, this.network, this.clock, this.witness);
    this.#clients = plan.clients.map((client) => this.#client(client));
    this.#actionsLeft = plan.actions?.length ?? 0;
    for (const action of plan.actions ?? [])
      this.clock.after(action.at, () => {
        this.#actionsLeft -= 1;
        this.act(action);
      });
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
    await this.clock.advance(SETTLING);
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
    await this.clock.advance(SETTLING);
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
    return now.program.idle;
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
    await this.#recall(!this.#clean);
    this.#clean = false;
    try {
      const program = await Program.open(this.#parts(life));
      const now: Running = { program, listening: true, started: false };
      this.#running = now;
      await program.deliver();
      now.started = true;
    } catch (thrown) {
      this.log(`cannot start: ${String(thrown)}`);
      this.#end(life, false);
    }
  }

  /** Tells the witness what is still in the spool; `excused`: it may have been delivered already. */
  async #recall(excused: boolean): Promise<void> {
    const rows = await this.storage.spool.list({}, Number.MAX_SAFE_INTEGER);
    this.witness.began(
      rows.flatMap(({ deliveries, messageId }) =>
        deliveries.map(({ recipient }) => ({ messageId: messageId ?? '', recipient })),
      ),
      excused,
    );
  }

  #ports(life: Life): StoragePorts {
    const ports = this.storage.ports(life);
    const { plant } = this.#plan;
    let count = 0;
    return plant === undefined ? ports : plant(ports, () => ++count);
  }

  #parts(life: Life): ProgramParts {
    const { alice, carol, issuer } = this.#people;
    const entries = (): HolderEntry[] =>
      [alice, carol].map(({ record }) => this.#withdrawn.get(record.serial) ?? record);
    return {
      life,
      thread: (thread) => ({
        ports: this.#ports(thread),
        resolver: this.#resolverOf(thread),
        dialer: this.#dialerOf(thread),
        events: { tell: (event) => this.#told(thread, event) },
      }),
      schedule: { ...SCHEDULE, ...this.#plan.schedule },
      seed: this.#plan.seed * 1_000 + life.number,
      nameTime: this.#plan.nameTime ?? 0,
      holders: () => ({ issuer, entries: entries() }),
      offered: (entry, lastId) => this.#checkOffered(entry, lastId),
    };
  }

  /** What a front must never ask the spool to take. */
  #checkOffered({ deliveries, id, origin }: NewEntry, lastId: Id): void {
    if (origin.serial !== undefined && this.#withdrawn.has(origin.serial))
      this.witness.violated(`entry ${id} was taken from a holder who had been withdrawn`);
    const outside = deliveries.find(({ dest }) => dest !== LOCAL_DOMAIN);
    if (origin.holder === undefined && outside !== undefined)
      this.witness.violated(`entry ${id} for ${outside.recipient} was taken from somebody who may not relay`);
    if (id <= lastId) this.witness.violated(`entry ${id} has no id above ${lastId}, the last one of earlier lives`);
  }

  #told(life: Life, event: RelayEvent): void {
    if (!life.alive) return;
    this.events.push({ at: this.since, event });
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
        } else if (result.detail === NO_ANSWER) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        }
        return result;
      },
    };
  }

  /** `clean`: in good order. */
  #end(life: Life, clean: boolean): void {
    if (!life.alive) return;
    this.log(clean ? 'ends' : 'crashes');
    this.#running = undefined;
    life.end();
    this.#clean = clean && !life.disturbed;
    this.clock.after(DOWN, () => this.#boot());
  }

  #stop(): void {
    const now = this.#running;
    if (now === undefined) return;
    this.log('is stopped');
    now.listening = false;
    const { program } = now;
    void program.stop().then(() => this.#end(program.life, true));
    this.clock.after(LONGEST_STOP, () => this.#end(program.life, false));
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
    return now.program.serve(connection, () => client.severed(connection)) ? connection : undefined;
  }

  /** Something happens now. */
  act(deed: Deed): void {
    const now = this.#running;
    switch (deed.kind) {
      case 'restart':
        return this.#stop();
      case 'kill':
        if (now !== undefined) this.#end(now.program.life, false);
        return;
      case 'kill-delivery':
        this.log('delivery dies');
        now?.program.killDelivery(() => void this.#recall(true));
        return;
      case 'kill-front':
        this.log('a front dies');
        now?.program.killFront(deed.front);
        return;
      case 'step-clock':
        this.witness.clockStepped();
        return this.clock.stepWall(deed.by);
      case 'withdraw': {
        const record: HolderEntry = { ...deed.holder, state: 'revoked' };
        this.#withdrawn.set(record.serial, record);
        this.log(`withdraws ${record.holder}`);
        now?.program.withdraw(record);
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
