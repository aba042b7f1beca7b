/** A world made by a number: who writes to whom, what the hops and the storage do, and when the program ends. */
import type { Ms } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { Notify } from '../../src/protocol/smtp/server-event.ts';
import { seededRandom } from '../fakes/random.ts';
import type { ClientPlan, MessagePlan, RecipientPlan } from './client.ts';
import type { DomainPlan, HostPlan, Mishap, Stage } from './hops.ts';
import type { People } from './people.ts';
import type { Fate, PortCall } from './storage.ts';
import { LOCAL_DOMAIN } from './program.ts';
import type { Action, World, WorldPlan } from './world.ts';

/** Nothing goes wrong by plan after this; all must come to its end then. */
const TROUBLED: Ms = 40 * 60_000;
/** Clients begin to submit within this time. */
const BUSY: Ms = 10 * 60_000;
const MOST_CRASHES = 4;

const NOTIFIES: readonly (Notify | undefined)[] = [
  undefined,
  undefined,
  undefined,
  'never',
  ['failure'],
  ['success'],
  ['success', 'failure', 'delay'],
];

/** Choices, all from one seed. */
class Dice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True in so many of 100 cases. */
  chance(percent: number): boolean {
    return this.#random.fraction() * 100 < percent;
  }

  /** 0 to `below` - 1. */
  number(below: number): number {
    return Math.floor(this.#random.fraction() * below);
  }

  one<T>(of: readonly T[]): T {
    return of[this.number(of.length)] as T;
  }

  /** `count` results. */
  many<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}

export function randomPlan(seed: number, people: People): WorldPlan {
  const dice = new Dice(seededRandom(seed * 7_919));
  const domains = randomDomains(dice);
  const names = domains.map(({ name }) => name);
  return {
    seed,
    domains,
    clients: randomClients(dice, people, names),
    actions: randomActions(dice, people),
    fate: randomFate(dice, seed),
    rings: dice.chance(90),
    nameTime: dice.one([0, 0, 10, 5_000]),
    schedule: {
      concurrency: 1 + dice.number(10),
      concurrencyByDestination: 1 + dice.number(3),
      recipientsPerTransaction: 1 + dice.number(4),
    },
  };
}

// Hops

function randomDomains(dice: Dice): readonly DomainPlan[] {
  let address = 0;
  const domain = (name: string, dns: DomainPlan['dns']): DomainPlan => {
    const count = dns === 'mx' ? 1 + dice.number(3) : dns === 'address' ? 1 : 0;
    const hosts = dice.many(count, (index) =>
      randomHost(dice, dns === 'address' ? name : `mx${index}.${name}`, `198.51.100.${++address}`, index),
    );
    return { name, dns, hosts, ...(dice.chance(15) ? { silentUntil: dice.number(TROUBLED) } : {}) };
  };
  const others = dice.many(2 + dice.number(3), (index) =>
    domain(`d${index}.example`, dice.one(['mx', 'mx', 'mx', 'address', 'address', 'gone', 'null-mx'])),
  );
  return [domain(LOCAL_DOMAIN, 'mx'), domain('d9.example', 'mx'), ...others];
}

function randomHost(dice: Dice, name: string, address: string, index: number): HostPlan {
  const mishaps = dice.chance(60) ? dice.many(1 + dice.number(3), () => randomMishap(dice)) : [];
  return {
    name,
    address,
    preference: dice.one([10, 10, 20]),
    mishaps,
    dsn: dice.chance(60),
    pipelining: dice.chance(75),
    starttls: dice.chance(40),
    ...(dice.chance(30) ? { slow: dice.one([1, 20, 500, 5_000, 45_000]) } : {}),
    // One host of each domain is always there sooner or later; others may never be.
    ...(dice.chance(20) ? { upFrom: index === 0 ? dice.number(TROUBLED) : Number.MAX_SAFE_INTEGER } : {}),
  };
}

function randomMishap(dice: Dice): Mishap {
  const stages: readonly Stage[] = [
    'connect',
    'greeting',
    'ehlo',
    'starttls',
    'handshake',
    'mail',
    'rcpt',
    'rcpt',
    'data',
    'content',
    'end',
    'end',
  ];
  const act = dice.one(['defer', 'defer', 'close', 'reset', 'silent'] as const);
  return { stage: dice.one(stages), act, times: 1 + dice.number(3), taken: act !== 'defer' && dice.chance(50) };
}

// Clients

function randomClients(dice: Dice, people: People, names: readonly string[]): readonly ClientPlan[] {
  const kinds = [
    { name: 'alice', role: 'submission', tls: people.alice.tls },
    { name: 'carol', role: 'submission', tls: people.carol.tls },
    { name: 'plain', role: 'relay', tls: people.nobody },
    { name: 'clear', role: 'relay', tls: undefined },
    { name: 'foreign', role: 'relay', tls: people.foreign },
  ] as const;
  return kinds
    .filter(({ role }) => role === 'submission' || dice.chance(50))
    .map((kind, index) => ({
      ...kind,
      address: `192.0.2.${index + 1}`,
      tries: 1 + dice.number(5),
      ...(dice.chance(15) ? { sluggish: dice.one([1, 30, 2_000]) } : {}),
      messages: dice.many(2 + dice.number(6), () => randomMessage(dice, names, kind.role === 'relay')),
    }));
}

function randomMessage(dice: Dice, names: readonly string[], isLocal: boolean): MessagePlan {
  return {
    at: dice.chance(50) ? dice.number(2_000) : dice.number(BUSY),
    reversePath: dice.one(['alice@example.net', 'alice@example.net', 'z@d9.example', '']),
    recipients: dice.many(dice.one([1, 1, 1, 2, 3, 6]), (index) => randomRecipient(dice, names, isLocal, index)),
    size: dice.one([100, 100, 1_000, 1_000, 2_900, 4_000, 4_000, 20_000, 80_000, 200_000]),
    body: dice.one(['7BIT', '7BIT', '7BIT', '7BIT', '7BIT', '8BITMIME', '8BITMIME', 'BINARYMIME']),
    ...(dice.chance(30) ? { ret: dice.one(['FULL', 'HDRS'] as const) } : {}),
    ...(dice.chance(20) ? { envid: 'an+id=1' } : {}),
    ...(dice.chance(15) ? { breaks: dice.one(['in-content', 'before-reply'] as const) } : {}),
  };
}

function randomRecipient(dice: Dice, names: readonly string[], isLocal: boolean, index: number): RecipientPlan {
  const notify = dice.one(NOTIFIES);
  return {
    local: `${dice.chance(15) ? 'nobody' : 'user'}${index}`,
    domain: isLocal && dice.chance(80) ? LOCAL_DOMAIN : dice.one(names),
    ...(notify === undefined ? {} : { notify }),
  };
}

// The program and its storage

function randomActions(dice: Dice, people: People): readonly Action[] {
  const actions: Action[] = dice.many(dice.number(4), () => ({
    at: dice.chance(50) ? dice.number(3_000) : dice.number(TROUBLED),
    ...dice.one([{ kind: 'restart' }, { kind: 'kill' }, { kind: 'kill-delivery' }, { kind: 'kill-front', front: 0 }]),
  }));
  if (dice.chance(30)) actions.push({ at: dice.number(5_000), kind: 'withdraw', holder: people.carol.record });
  if (dice.chance(20))
    actions.push({ at: dice.number(BUSY), kind: 'step-clock', by: dice.number(7_200_000) - 3_600_000 });
  return actions;
}

/** Calls go wrong at a rate of the world's own, in a third of worlds not at all, and never after the troubled time. */
function randomFate(dice: Dice, seed: number): (call: PortCall, world: World) => Fate {
  const rate = dice.one([0, 0.5, 1, 2, 5, 10]);
  const fates = new Dice(seededRandom(seed * 104_729));
  let crashes = 0;
  return ({ name }, world) => {
    if (!fates.chance(rate) || world.since > TROUBLED) return { kind: 'well' };
    const when = fates.one(['before', 'after'] as const);
    const kind = fates.one(['crash', 'hang', 'slow', 'refuse', 'refuse', 'refuse'] as const);
    if (kind === 'slow') return { kind, span: fates.one([5, 200, 3_000, 60_000]) };
    if (kind !== 'refuse') return ++crashes > MOST_CRASHES ? { kind: 'well' } : { kind, when };
    const status = fates.one(['storage-failed', 'storage-full'] as const);
    // Nothing is stored when accept rejects: that is its contract.
    return { kind, status, when: name === 'accept' ? 'before' : when };
  };
}
