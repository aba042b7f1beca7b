import { sleep, type Ms } from '../../src/base/clock.ts';
import type { EventSink } from '../../src/base/event.ts';
import { idMinter, type Id } from '../../src/base/id.ts';
import { sweep } from '../../src/platform/files/content-store.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import { Admission } from '../../src/relay/connection/admission.ts';
import type { Connection } from '../../src/relay/connection/connection.ts';
import type { Dialer } from '../../src/relay/delivery/dialer.ts';
import type { Resolver } from '../../src/relay/delivery/resolver.ts';
import type { DeliverySettings, RouteSettings } from '../../src/relay/delivery/settings.ts';
import { holderDirectory, type HolderEntry, type HolderTable } from '../../src/relay/identity/holders.ts';
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

const POLICY: AccessPolicy = {
  map: undefined,
  localDomains: new Set([LOCAL_DOMAIN]),
  relayDomains: new Set(),
  trustedNetworks: [],
  trustExternal: false,
  blocklistRecipients: false,
  delayChecks: false,
};

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

export interface ProgramParts {
  readonly life: Life;
  readonly ports: StoragePorts;
  readonly resolver: Resolver;
  readonly dialer: Dialer;
  readonly schedule: ScheduleSettings;
  readonly events: EventSink;
  readonly seed: number;
  /** How long it takes to find the name of a client. */
  readonly nameTime: Ms;
  /** The ledger as it is now. */
  readonly holders: () => {
    readonly version: number;
    readonly issuer: string;
    readonly entries: readonly HolderEntry[];
  };
  /** Told of each entry before the spool is asked to take it. */
  readonly offered: (entry: NewEntry, lastId: Id) => void;
}

interface Front {
  readonly directory: HolderTable;
  readonly inbound: Inbound;
}

/** Both halves of the relay in one life, put together as the daemon does it: two fronts and a delivery. */
export class Program {
  readonly life: Life;
  readonly schedule: Outbound['schedule'];
  readonly #carrier: Outbound['carrier'];
  readonly #fronts: readonly Front[];
  #served = 0;

  private constructor(parts: ProgramParts, lastId: Id) {
    const { dialer, events, life, ports, resolver, schedule } = parts;
    const { clock } = life;
    this.life = life;
    this.#fronts = FRONTS.map((writer) => front(parts, writer, lastId));
    const delivery = outbound({
      ...ports,
      resolver,
      dialer,
      delivery: DELIVERY,
      schedule: () => schedule,
      mintId: idMinter(clock, DELIVERY_WRITER, lastId),
      utcOffset: () => 0,
      clock,
      random: seededRandom(parts.seed),
      events,
      owner: OWNER,
    });
    this.schedule = delivery.schedule;
    this.#carrier = delivery.carrier;
  }

  /** Sweeps the contents and puts the parts together; the schedule is not started yet. Rejects as the storage does. */
  static async open(parts: ProgramParts): Promise<Program> {
    const { contents, store } = parts.ports;
    await sweep(contents, store);
    return new Program(parts, await store.lastId());
  }

  /** Gives a connection to the next front. */
  serve(connection: Connection): void {
    this.#fronts[this.#served++ % this.#fronts.length]?.inbound.serve(connection);
  }

  /** The ledger changed. */
  withdraw(record: HolderEntry, version: number): void {
    for (const { directory, inbound: half } of this.#fronts) {
      directory.change({ version, entries: [record] });
      half.sessions.recheck(new Set([record.serial]));
    }
  }

  /** Ends in good order; takes as long as the storage and the peers let it. */
  async stop(): Promise<void> {
    await Promise.all([...this.#fronts.map(({ inbound: half }) => half.sessions.drain()), this.schedule.stop(GRACE)]);
    this.#carrier.close();
  }
}

function front({ events, holders, life, nameTime, offered, ports }: ProgramParts, writer: number, lastId: Id): Front {
  const { clock } = life;
  const directory = holderDirectory();
  const { entries, issuer, version } = holders();
  directory.replace({ version, issuers: [issuer], entries });
  const half = inbound({
    hostname: DELIVERY.hostname,
    version: '0.1.0',
    limits: () => LIMITS,
    policy: () => POLICY,
    directory,
    peerName: async () => {
      await sleep(clock, nameTime);
      return { state: 'ok', name: 'client.example.org' };
    },
    store: {
      accept(batch) {
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
  return { directory, inbound: half };
}
