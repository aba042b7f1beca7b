import type { Ms } from '../../src/base/clock.ts';
import type { OutboundTls } from '../../src/relay/delivery/dialer.ts';
import type { FakeClock } from '../fakes/clock.ts';
import { fakeHop, type HopMessage, type HopReply, type HopScript } from '../fakes/hop.ts';
import type { FakeNetwork, Listener, Peer } from '../fakes/network.ts';
import type { Zone } from '../fakes/resolver.ts';
import type { Arrival, Witness } from './witness.ts';

export type Stage =
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'handshake'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'content'
  | 'end';

/** Something that goes wrong at a hop, so many times; then all is well. */
export interface Mishap {
  readonly stage: Stage;
  /** `defer`: a 4xx reply. The others end the connection, or leave it hanging. */
  readonly act: 'defer' | 'close' | 'reset' | 'silent';
  readonly times: number;
  /** At the end of content: the message was taken all the same. */
  readonly taken?: boolean;
}

export interface HostPlan {
  readonly name: string;
  readonly address: string;
  readonly preference: number;
  /** Nobody listens there before this time since the start. */
  readonly upFrom?: Ms;
  readonly mishaps?: readonly Mishap[];
  readonly dsn?: boolean;
  readonly pipelining?: boolean;
  readonly starttls?: boolean;
  /** How long each reply takes. */
  readonly slow?: Ms;
}

export interface DomainPlan {
  readonly name: string;
  /** `gone`: the domain does not exist; `null-mx`: it takes no mail; `address`: no MX, the one host is the domain itself. */
  readonly dns: 'mx' | 'address' | 'gone' | 'null-mx';
  readonly hosts: readonly HostPlan[];
  /** The name service does not answer for it before this time since the start. */
  readonly silentUntil?: Ms;
}

const VERIFIED: OutboundTls = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  verified: true,
  detail: undefined,
  trusted: true,
  certificate: undefined,
};

/** How a listener says that it does not even refuse: the dialler waits as long as it likes. */
export const NO_ANSWER = 'no answer';

const DEFERRED: Readonly<Record<Stage, string>> = {
  connect: '',
  greeting: '421 4.3.2 not now',
  ehlo: '421 4.3.2 not now',
  starttls: '454 4.7.0 TLS not available',
  handshake: 'handshake failure',
  mail: '451 4.3.0 not now',
  rcpt: '450 4.2.0 not now',
  data: '451 4.3.0 not now',
  content: '451 4.3.0 not now',
  end: '451 4.3.0 not now',
};

/** Whether mail for the domain can never be delivered. */
export function isHopeless(plan: DomainPlan): boolean {
  return plan.dns === 'gone' || plan.dns === 'null-mx';
}

/** What the name service tells after `since` ms. */
export function zoneAt(domains: readonly DomainPlan[], since: Ms): Zone {
  const mx: Record<string, readonly (readonly [number, string])[] | 'temporary'> = {};
  const addresses: Record<string, readonly string[] | 'temporary'> = {};
  for (const { dns, hosts, name, silentUntil } of domains) {
    if (silentUntil !== undefined && since < silentUntil) mx[name] = 'temporary';
    else if (dns === 'null-mx') mx[name] = [[0, '']];
    else if (dns === 'mx') mx[name] = hosts.map((host) => [host.preference, host.name] as const);
    if (dns === 'gone') continue;
    for (const host of hosts) addresses[dns === 'address' ? name : host.name] = [host.address];
  }
  return { mx, addresses };
}

/** Puts a host into the network. What it takes, and whom it refuses, the witness hears. */
export function listenAsHost(plan: HostPlan, network: FakeNetwork, clock: FakeClock, witness: Witness): void {
  const host = new Host(plan, clock, witness, network);
  network.listeners.set(`${plan.address}:25`, host.listen);
}

class Host {
  readonly #plan: HostPlan;
  readonly #clock: FakeClock;
  readonly #witness: Witness;
  readonly #network: FakeNetwork;
  readonly #start: Ms;
  readonly #left: { readonly mishap: Mishap; times: number }[];

  constructor(plan: HostPlan, clock: FakeClock, witness: Witness, network: FakeNetwork) {
    this.#plan = plan;
    this.#clock = clock;
    this.#witness = witness;
    this.#network = network;
    this.#start = clock.monotonic();
    this.#left = (plan.mishaps ?? []).map((mishap) => ({ mishap, times: mishap.times }));
  }

  readonly listen: Listener = (peer) => {
    const { upFrom } = this.#plan;
    if (upFrom !== undefined && this.#clock.monotonic() < this.#start + upFrom) return 'Connection refused';
    const refusal = this.#mishap('connect');
    if (refusal !== undefined) return refusal.act === 'silent' ? NO_ANSWER : 'Connection refused';
    return fakeHop(this.#script(peer)).listen(this.#wire);
  };

  /** The pipe of the connection being made, as the hop sees it. */
  #wire!: Wire;

  #script(peer: Peer): HopScript {
    const wire = (this.#wire = new Wire(peer, this.#plan.slow ?? 0, this.#clock, this.#network));
    const { dsn = true, pipelining = true, starttls = false } = this.#plan;
    const greeting = this.#reply('greeting');
    const ehlo = this.#reply('ehlo');
    const refused = this.#reply('starttls');
    const handshake = starttls ? this.#mishap('handshake') : undefined;
    return {
      capabilities: ['8BITMIME', 'SIZE 1000000', ...(pipelining ? ['PIPELINING'] : []), ...(dsn ? ['DSN'] : [])],
      ...(greeting === undefined ? {} : { greeting }),
      ...(ehlo === undefined ? {} : { ehlo }),
      ...(refused === undefined ? {} : { starttls: refused }),
      ...(starttls ? { tls: handshake === undefined ? VERIFIED : DEFERRED.handshake } : {}),
      mail: () => this.#reply('mail'),
      rcpt: (line) => this.#recipient(line),
      data: () => {
        if (this.#mishap('content') !== undefined) wire.breakAtNext = true;
        return this.#reply('data');
      },
      end: (message) => this.#end(message, wire),
    };
  }

  /** Uses up one mishap of this stage. */
  #mishap(stage: Stage): Mishap | undefined {
    const next = this.#left.find(({ mishap, times }) => mishap.stage === stage && times > 0);
    if (next === undefined) return undefined;
    next.times -= 1;
    return next.mishap;
  }

  #reply(stage: Stage): HopReply | undefined {
    const mishap = this.#mishap(stage);
    if (mishap === undefined) return undefined;
    return mishap.act === 'defer' ? DEFERRED[stage] : mishap.act;
  }

  #recipient(line: string): HopReply | undefined {
    const address = addressIn(line);
    if (!address.startsWith('nobody')) return this.#reply('rcpt');
    this.#witness.refused(address);
    return '550 5.1.1 no such user';
  }

  #end(message: HopMessage, wire: Wire): HopReply | undefined {
    const mishap = this.#mishap('end');
    if (mishap !== undefined && mishap.taken !== true) return mishap.act === 'defer' ? DEFERRED.end : mishap.act;
    const arrival: Arrival = {
      at: this.#clock.now(),
      host: this.#plan.name,
      reversePath: addressIn(message.mail),
      recipients: message.recipients.map(addressIn),
      content: message.content,
      dsn: this.#plan.dsn ?? true,
      replied: false,
    };
    this.#witness.arrived(arrival);
    if (mishap !== undefined) return mishap.act === 'defer' ? DEFERRED.end : mishap.act;
    wire.whenSent = () => (arrival.replied = true);
    return undefined;
  }
}

function addressIn(line: string): string {
  return /:<([^>]*)>/.exec(line)?.[1] ?? line;
}

/** A hop's end of a pipe whose replies take their time. */
class Wire implements Peer {
  received: (bytes: Uint8Array) => void = () => {};
  closed: () => void = () => {};
  handshake: Peer['handshake'] = () => VERIFIED;
  /** The pipe breaks when the next bytes come. */
  breakAtNext = false;
  /** Called when the next reply is on its way in a pipe that is whole. */
  whenSent: (() => void) | undefined;
  readonly #peer: Peer;
  readonly #slow: Ms;
  readonly #clock: FakeClock;
  readonly #network: FakeNetwork;

  constructor(peer: Peer, slow: Ms, clock: FakeClock, network: FakeNetwork) {
    this.#peer = peer;
    this.#slow = slow;
    this.#clock = clock;
    this.#network = network;
    peer.received = (bytes) => {
      if (this.breakAtNext) peer.reset();
      else this.received(bytes);
    };
    peer.closed = () => this.closed();
    peer.handshake = (tls) => this.handshake(tls);
  }

  get target(): Peer['target'] {
    return this.#peer.target;
  }

  send(bytes: Uint8Array | string): void {
    const sent = this.whenSent;
    this.whenSent = undefined;
    this.#later(() => {
      if (this.#network.open.has(this.#peer)) sent?.();
      this.#peer.send(bytes);
    });
  }

  end(): void {
    this.#later(() => this.#peer.end());
  }

  reset(detail?: string): void {
    this.#later(() => this.#peer.reset(detail));
  }

  #later(act: () => void): void {
    if (this.#slow === 0) act();
    else this.#clock.after(this.#slow, act);
  }
}
