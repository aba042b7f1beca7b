/** Steps 6, 7 and 9 with a spool in memory, a carrier that does as it is told, and a clock that stands still. */
import assert from 'node:assert/strict';
import { fromLatin1 } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import type { RelayEvent } from '../../base/event.ts';
import { idMinter, type Id } from '../../base/id.ts';
import type { Outcome, RemoteReply } from '../../base/outcome.ts';
import { statuses, type StatusKey } from '../../base/status.ts';
import type { Notify } from '../../protocol/smtp/server-event.ts';
import { memoryContentStore } from '../../storage/memory/content-store.ts';
import { memorySpool } from '../../storage/memory/spool.ts';
import { fakeClock, type FakeClock } from '../../../test/fakes/clock.ts';
import { seededRandom } from '../../../test/fakes/random.ts';
import type { Carrier, CarryResult, Shipment, ShipmentRecipient } from '../message/shipment.ts';
import type { Envelope } from '../message/envelope.ts';
import { settler, type OutcomeSettler } from '../outcome/settle.ts';
import type { ContentStore, NewEntry, SpoolStore } from '../spool/spool.ts';
import { retryAt } from './backoff.ts';
import { laneOf } from './lane.ts';
import { scheduler, type Scheduler } from './scheduler.ts';
import type { ScheduleSettings } from './settings.ts';

export const usualSettings: ScheduleSettings = {
  firstRetry: 300_000,
  longestRetry: 4_800_000,
  jitter: 0.1,
  expiry: 432_000_000,
  delayNotice: 14_400_000,
  concurrency: 50,
  concurrencyByDestination: 10,
  recipientsPerTransaction: 50,
  laneLease: 15_000,
  poll: 1_000,
};

const hop = { host: 'mx.example.org', address: '192.0.2.25', port: 25 };

function reply(code: number, enhanced: string | undefined, text: string): RemoteReply {
  return { code, enhanced, text, command: 'RCPT TO' };
}

export const delivered: Outcome = {
  kind: 'delivered',
  status: statuses.delivered,
  remote: reply(250, '2.1.5', 'queued'),
  hop,
  dsnRelayed: false,
};
export const deferred: Outcome = {
  kind: 'deferred',
  status: statuses['remote-deferred'],
  remote: reply(451, '4.2.1', 'come back later'),
  hop,
  detail: 'greylisted',
};
export const failed: Outcome = {
  kind: 'failed',
  status: statuses['remote-refused'],
  remote: reply(550, '5.1.1', 'no such user'),
  hop,
  detail: 'refused',
};

export function noConnection(key: StatusKey = 'connect-failed'): Outcome {
  return { kind: 'deferred', status: statuses[key], remote: undefined, hop, detail: 'connect ECONNREFUSED' };
}

/** Decides each recipient's outcome; `n` counts attempts for this recipient from 1. */
export type Behaviour = (shipment: Shipment, recipient: ShipmentRecipient, n: number) => Outcome;

/** Carries in `span`, does as `behave` says, and keeps count. */
export class ScriptedCarrier implements Carrier {
  behave: Behaviour = () => delivered;
  span: Ms = 10;
  /** `recipient` of each attempt, in order, and when. */
  readonly attempts: { readonly at: Ms; readonly recipient: string; readonly dest: string; readonly id: Id }[] = [];
  readonly shipments: Shipment[] = [];
  readonly deliveries: Map<Id, number> = new Map();
  readonly contents: string[] = [];
  running: number = 0;
  most: number = 0;
  readonly runningTo: Map<string, number> = new Map();
  mostTo: number = 0;
  readonly #clock: FakeClock;
  readonly #tries = new Map<Id, number>();
  readonly #open = new Set<Id>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async carry(shipment: Shipment, signal: AbortSignal): Promise<CarryResult> {
    this.shipments.push(shipment);
    for (const { id, address } of shipment.recipients) {
      assert.ok(!this.#open.has(id), `${address} is attempted twice at once`);
      this.#open.add(id);
      this.attempts.push({ at: this.#clock.now(), recipient: address, dest: shipment.dest, id });
    }
    this.most = Math.max(this.most, ++this.running);
    const to = (this.runningTo.get(shipment.dest) ?? 0) + 1;
    this.runningTo.set(shipment.dest, to);
    this.mostTo = Math.max(this.mostTo, to);
    try {
      const content = await shipment.content();
      if (content instanceof Uint8Array) this.contents.push(Buffer.from(content).toString('latin1'));
      else for await (const piece of content) this.contents.push(Buffer.from(piece).toString('latin1'));
      const broken = await new Promise<boolean>((resolve) => {
        const cancel = this.#clock.after(this.span, () => resolve(false));
        signal.addEventListener('abort', () => {
          cancel();
          resolve(true);
        });
      });
      const recipients = shipment.recipients.map((recipient) => {
        const n = (this.#tries.get(recipient.id) ?? 0) + 1;
        this.#tries.set(recipient.id, n);
        const outcome = broken ? noConnection('connection-lost') : this.behave(shipment, recipient, n);
        if (outcome.kind === 'delivered')
          this.deliveries.set(recipient.id, (this.deliveries.get(recipient.id) ?? 0) + 1);
        return { id: recipient.id, outcome };
      });
      return { recipients, hop: 'mx.example.org [192.0.2.25]:25', tls: undefined };
    } finally {
      for (const { id } of shipment.recipients) this.#open.delete(id);
      this.running--;
      this.runningTo.set(shipment.dest, (this.runningTo.get(shipment.dest) as number) - 1);
    }
  }

  close(): void {}
}

export interface EntryOptions {
  readonly reversePath?: string;
  readonly notify?: Notify;
  readonly content?: string;
  readonly stored?: string;
  readonly size?: number;
  readonly at?: Ms;
  readonly envelope?: Partial<Omit<Envelope, 'recipients'>>;
  readonly orcpt?: string;
}

export interface Rig {
  readonly clock: FakeClock;
  readonly spool: SpoolStore;
  readonly stored: ContentStore;
  readonly carrier: ScriptedCarrier;
  readonly settler: OutcomeSettler;
  readonly scheduler: Scheduler;
  readonly events: RelayEvent[];
  readonly mint: () => Id;
  entry(recipients: readonly string[], options?: EntryOptions): NewEntry;
  accept(recipients: readonly string[], options?: EntryOptions): Promise<Id>;
  /** Stops the scheduler, letting time pass for it. */
  end(): Promise<void>;
  /** Events of one kind. */
  told<K extends RelayEvent['kind']>(kind: K): Extract<RelayEvent, { readonly kind: K }>[];
}

export interface RigOptions {
  readonly settings?: Partial<ScheduleSettings>;
  readonly spool?: SpoolStore;
  readonly wrap?: (spool: SpoolStore) => SpoolStore;
  readonly clock?: FakeClock;
  /** New mail rings the scheduler. */
  readonly rings?: boolean;
  readonly mint?: () => Id;
  readonly returnLimit?: number;
}

export function rig(options: RigOptions = {}): Rig {
  const clock = options.clock ?? fakeClock();
  const settings = { ...usualSettings, ...options.settings };
  const events: RelayEvent[] = [];
  const sink = { tell: (event: RelayEvent) => void events.push(event) };
  const random = seededRandom(1);
  const mint = options.mint ?? idMinter(clock, 0);
  const signal = { ring: (lanes: ReadonlySet<number>) => (options.rings === false ? undefined : it.ring(lanes)) };
  const inner = options.spool ?? memorySpool({ clock, signal });
  const spool = options.wrap?.(inner) ?? inner;
  const stored = memoryContentStore();
  const carrier = new ScriptedCarrier(clock);
  const settle = settler({
    store: spool,
    contents: stored,
    settings: () => settings,
    retryAt: (attempts, now) => retryAt(attempts, now, settings, random),
    clock,
    events: sink,
    signal,
    mint,
    route: (domain) => ({ dest: domain, lane: laneOf(domain) }),
    hostname: () => 'relay.example.net',
    random,
    offsetMinutes: () => 0,
    returnLimit: options.returnLimit ?? 65_536,
  });
  const it = scheduler({
    store: spool,
    contents: stored,
    carrier,
    settings: () => settings,
    clock,
    random,
    events: sink,
    settle,
    owner: 1,
  });

  function entry(recipients: readonly string[], over: EntryOptions = {}): NewEntry {
    const id = mint();
    const at = over.at ?? clock.now();
    const text = over.content ?? `Message-ID: <m${id}@example.net>\r\nSubject: test\r\n\r\nbody of ${id}\r\n`;
    return {
      id,
      at,
      envelope: {
        reversePath: over.reversePath ?? 'alice@example.net',
        body: '8BITMIME',
        smtputf8: false,
        ret: undefined,
        envid: undefined,
        ...over.envelope,
      },
      origin: { holder: 'alice@example.net', serial: '0a' },
      messageId: undefined,
      peer: '192.0.2.1',
      size: over.size ?? text.length,
      content:
        over.stored === undefined ? { kind: 'inline', bytes: fromLatin1(text) } : { kind: 'stored', ref: over.stored },
      deliveries: recipients.map((recipient) => {
        const dest = recipient.slice(recipient.lastIndexOf('@') + 1);
        return { id: mint(), lane: laneOf(dest), dest, recipient, notify: over.notify, orcpt: over.orcpt, due: at };
      }),
    };
  }

  return {
    clock,
    spool,
    stored,
    carrier,
    settler: settle,
    scheduler: it,
    events,
    mint,
    entry,
    async accept(recipients, over) {
      const made = entry(recipients, over);
      await inner.accept([made]);
      return made.id;
    },
    async end() {
      const stopping = it.stop(0);
      await clock.advance(1);
      await clock.advance(10_000);
      await stopping;
    },
    told: <K extends RelayEvent['kind']>(kind: K) =>
      events.filter((event): event is Extract<RelayEvent, { readonly kind: K }> => event.kind === kind),
  };
}

/** A store whose calls can be made to fail or to wait, before or after they have done their work. */
export function interceptedSpool(
  spool: SpoolStore,
  before: (call: keyof SpoolStore) => void | Promise<void>,
  after: (call: keyof SpoolStore, result: unknown) => void | Promise<void> = () => {},
): SpoolStore {
  return new Proxy(spool, {
    get(target, name) {
      const call = name as keyof SpoolStore;
      const method = target[call] as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        await before(call);
        const result = await method.apply(target, args);
        await after(call, result);
        return result;
      };
    },
  });
}
