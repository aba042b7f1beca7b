/**
 * Names, maps, clients and recipients made up at random, decided by the program and by the second implementation in
 * reference.ts. A difference is told with the seed that makes it again: SEALPOST_SEED.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideRecipient } from '../../src/relay/access/decide.ts';
import type { AccessFeature } from '../../src/relay/access/feature.ts';
import type { AccessFacts } from '../../src/relay/access/facts.ts';
import { parseAccessMap } from '../../src/relay/access/map.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import type { Verdict } from '../../src/relay/access/verdict.ts';
import { encodeName } from '../../src/protocol/pki/name.ts';
import { barePolicy } from '../fakes/policy.ts';
import { seededRandom } from '../fakes/random.ts';
import {
  referenceMap,
  referenceName,
  referenceRecipient,
  type ReferenceAttribute,
  type ReferenceFacts,
  type ReferencePolicy,
} from './reference.ts';

const PAIRS = 100_000;
const RECIPIENTS_BY_MAP = 8;

const TYPES = [
  '2.5.4.6',
  '2.5.4.8',
  '2.5.4.10',
  '2.5.4.11',
  '2.5.4.3',
  '1.2.840.113549.1.9.1',
  '0.9.2342.19200300.100.1.25',
  '1.3.6.1.4.1.99999.7',
];
const FEATURES: readonly AccessFeature[] = [
  'skip',
  'lookupdotdomain',
  'relaytofulladdress',
  'relay_hosts_only',
  'relay_entire_domain',
  'relay_local_from',
  'relay_mail_from',
  'relay_mail_from_domain',
  'promiscuous_relay',
  'loose_relay_check',
  'nopercenthack_reject',
  'nopercenthack_nospecial',
  'nouucp_reject',
  'nouucp_nospecial',
];
const DOMAINS = ['a.test', 'sub.a.test', 'b.test', 'x.b.test', 'relay.test', 'mail.relay.test', 'c.relay.test', 'test'];
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '10.1.2.3', '10.1.9.9', '192.0.2.7'];
const LOCALS = ['u', 'v', 'u+d', 'v+d+e', 'w', 'U'];
const VALUES = [
  'RELAY',
  'RELAY',
  'RELAY',
  'OK',
  'SUBJECT',
  'REJECT',
  'DISCARD',
  'SKIP',
  'relay',
  'QUARANTINE:why',
  'ERROR:5.7.1:550 no',
  'ERROR:550 no',
  'ERROR:450 4.2.2 later',
  '550 5.1.1 gone',
  'word',
  'RELAY # not',
  '"RELAY"',
];

class Maker {
  readonly #random: ReturnType<typeof seededRandom>;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit);
  }

  chance(part: number): boolean {
    return this.#random.fraction() < part;
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  some<T>(list: readonly T[], part: number): T[] {
    return list.filter(() => this.chance(part));
  }

  /** Long ones, odd octets, empty ones and several in one RDN among them. */
  name(): ReferenceAttribute[] {
    return Array.from({ length: this.below(6) }, (_, number) => ({
      type: this.one(TYPES),
      joined: number > 0 && this.chance(0.15),
      value: this.value(),
    }));
  }

  value(): Uint8Array {
    const length = this.chance(0.08) ? 40 + this.below(90) : this.below(9);
    const plain = this.chance(0.7);
    const odd = Buffer.from('/+\\()<>" =,;#@.');
    return Uint8Array.from({ length }, () =>
      plain ? 0x61 + this.below(3) : this.chance(0.5) ? (odd[this.below(odd.length)] as number) : this.below(256),
    );
  }

  recipient(): string {
    const local = this.one(LOCALS);
    const [domain, inner, third] = [this.one(DOMAINS), this.one(DOMAINS), this.one(DOMAINS)];
    switch (this.below(14)) {
      case 0:
        return `${local}%${inner}@${domain}`;
      case 1:
        return `${inner}!${local}@${domain}`;
      case 2:
        return `"${local}@${inner}"@${domain}`;
      case 3:
        return `@${domain}:${local}@${inner}`;
      case 4:
        return `${local}%${inner}%${third}@${domain}`;
      case 5:
        return local;
      case 6:
        return `${local}%${inner}`;
      case 7:
        return `${inner}!${local}`;
      case 8:
        return this.one(['', `${local}@${domain}.`, `${local}@[10.1.2.3]`, `${local}@localhost`]);
      case 9:
        return `"${local}%${inner}"@${domain}`;
      default:
        return `${local}@${this.chance(0.2) ? domain.toUpperCase() : domain}`;
    }
  }

  /** A name as an author of a map may have it: whole, in other letters, cut, or cut about where look-ups end. */
  written(name: string): string {
    if (name.length > 230) return name.slice(0, 243 + this.below(5));
    if (this.chance(0.2)) return name.slice(0, this.below(name.length + 1));
    return this.chance(0.2) ? name.toLowerCase() : name;
  }

  /** Lines that may well be asked for; `names` are those of certificates. */
  lines(names: readonly string[]): string[] {
    return Array.from({ length: this.below(14) }, () => {
      const name = this.one(names);
      const written = this.written(name);
      const user = `${this.one([...LOCALS, 'u+*', 'v+*'])}@${this.chance(0.3) ? '' : this.one(DOMAINS)}`;
      const host = `${this.chance(0.15) ? '.' : ''}${this.one(DOMAINS)}`;
      const network = this.one(['10', '10.1', '10.1.2', '10.1.2.3', '192.0.2.7', '[10.1.2.3]', '127.0.0']);
      const key = this.one([
        `CERTISSUER:${written}`,
        `CERTISSUER:${written}`,
        `CERTSUBJECT:${written}`,
        `To:${host}`,
        `To:${user}`,
        `From:${user}`,
        `From:${host}`,
        `Connect:${network}`,
        `Connect:${host}`,
        network,
        host,
        user,
      ]);
      return `${key === '' ? 'x' : key}${this.one([' ', '\t', '  \t'])}${this.one(VALUES)}${this.one(['', '', ' ', '\r'])}`;
    });
  }
}

const element = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};

/** The DER of a name, attributes of an RDN in the order given. */
function derOf(attributes: readonly ReferenceAttribute[]): Uint8Array {
  const sets: Buffer[][] = [];
  for (const { type, joined, value } of attributes) {
    const pair = element(0x30, element(0x06, oidOf(type)), element(0x0c, value));
    if (joined) sets.at(-1)?.push(pair);
    else sets.push([pair]);
  }
  return element(0x30, ...sets.map((pairs) => element(0x31, ...pairs)));
}

function oidOf(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return Buffer.from(octets);
}

interface Made {
  readonly issuer: readonly ReferenceAttribute[];
  readonly subject: readonly ReferenceAttribute[];
  readonly text: string;
  readonly policy: Omit<ReferencePolicy, 'map'>;
}

function make(maker: Maker): Made {
  const issuer = maker.name();
  const subject = maker.name();
  const names = [referenceName(issuer), referenceName(subject), '/CN=other'];
  const lines = maker.lines(names);
  // Without these two, one pair in a hundred would meet.
  if (maker.chance(0.4)) lines.unshift(`CERTISSUER:${names[0]} ${maker.one(['SUBJECT', 'RELAY'])}`);
  if (maker.chance(0.4)) lines.push(`CERTSUBJECT:${names[1]} RELAY`);
  return {
    issuer,
    subject,
    text: lines.join('\n'),
    policy: {
      features: maker.some(FEATURES, 0.08),
      hostname: 'mail.relay.test',
      classW: ['relay.test', 'mail.relay.test', 'localhost', ...maker.some(['[10.1.2.3]', 'x.b.test'], 0.2)],
      classR: maker.some(['b.test', 'sub.a.test', '10.1', '192.0.2.7'], 0.15),
      trusted: maker.some(['PLAIN', 'EXTERNAL'], 0.3),
      blocklist: maker.chance(0.3),
    },
  };
}

function factsOf(maker: Maker): Omit<ReferenceFacts, 'issuer' | 'subject'> {
  return {
    address: maker.one(ADDRESSES),
    name: { state: maker.one(['ok', 'ok', 'forged', 'none', 'temporary'] as const), name: maker.one(DOMAINS) },
    verify: maker.one(['OK', 'OK', 'FAIL']),
    mechanism: maker.one(['', '', 'PLAIN', 'EXTERNAL']),
    sender: maker.one(['', 'u@a.test', 'v+d@x.b.test', 'u@relay.test', 'u']),
  };
}

function ours({
  map,
  features,
  classW,
  classR,
  trusted,
  blocklist,
}: Omit<ReferencePolicy, 'map'> & { map: string }): AccessPolicy {
  return {
    ...barePolicy,
    map: parseAccessMap(map, 'access').map,
    features: new Set(['sendmail', ...(features as AccessFeature[])]),
    localDomains: new Set(classW),
    relayDomains: new Set(classR),
    trustedMechanisms: new Set(trusted),
    blocklistRecipients: blocklist,
  };
}

function ourFacts(facts: ReferenceFacts): AccessFacts {
  const certificate = {
    issuer: facts.issuer,
    subject: facts.subject,
    commonName: '',
    issuerCommonName: '',
    serial: '01',
    fingerprint: '',
    notAfter: 0,
    emails: [],
    dnsNames: [],
  };
  return {
    role: 'relay',
    address: facts.address,
    name: facts.name,
    helo: undefined,
    principal:
      facts.verify === 'OK'
        ? { kind: 'verified', verify: 'OK', certificate, holder: undefined }
        : { kind: 'unverified', verify: 'FAIL', reason: 'expired', certificate, holder: undefined },
    tls: { bits: 256 },
    authenticated:
      facts.mechanism === '' ? undefined : { mechanism: facts.mechanism, identity: 'somebody', holder: undefined },
  };
}

function said(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'accept':
      return verdict.relay ? 'RELAY' : 'OK';
    case 'reject':
      return `${verdict.reply.code} ${verdict.reply.enhanced}`;
    default:
      return verdict.kind.toUpperCase();
  }
}

/** The name that the map may know, one like it, or any other; as both print it. */
function nameFor(maker: Maker, known: readonly ReferenceAttribute[], where: string): string {
  const attributes = maker.chance(0.6) ? known : maker.chance(0.5) ? known.slice(0, -1) : maker.name();
  const name = referenceName(attributes);
  assert.equal(encodeName(derOf(attributes)), name, where);
  return name;
}

describe('a second implementation', () => {
  const given = process.env['SEALPOST_SEED'];

  it(`decides ${PAIRS} made-up pairs of a name and a map as we do`, (t) => {
    const seed = given === undefined ? Date.now() % 0x7fff_ffff : Number(given);
    t.diagnostic(`seed ${seed}`);
    const maker = new Maker(seed);
    const counts = new Map<string, number>();
    for (let pair = 0; pair < PAIRS; pair += RECIPIENTS_BY_MAP) {
      const { issuer, subject, text, policy } = make(maker);
      const slow = { ...policy, map: referenceMap(text) };
      const fast = ours({ ...policy, map: text });
      for (let number = 0; number < RECIPIENTS_BY_MAP; number++) {
        const where = `seed ${seed}, pair ${pair + number}`;
        const facts = {
          ...factsOf(maker),
          issuer: nameFor(maker, issuer, where),
          subject: nameFor(maker, subject, where),
        };
        // EXTERNAL says no more than a certificate that counts.
        if (facts.mechanism === 'EXTERNAL' && facts.verify !== 'OK') facts.mechanism = '';
        const recipient = maker.recipient();
        const sender = { typed: `<${facts.sender}>`, address: undefined };
        const asked = { typed: `<${recipient}>`, address: { local: recipient, domain: '' } };
        const verdict = decideRecipient(fast, ourFacts(facts), sender, asked);
        const expected = referenceRecipient(slow, facts, recipient);
        const answer = said(verdict);
        counts.set(answer, (counts.get(answer) ?? 0) + 1);
        if (answer !== expected)
          assert.fail(
            `${where}: ${answer}, and by the second implementation ${expected}\n` +
              JSON.stringify({ recipient, facts, policy, text, trail: verdict.trail }, null, 1),
          );
      }
    }
    t.diagnostic([...counts].map(([answer, count]) => `${answer}: ${count}`).join(', '));
    for (const answer of ['RELAY', 'OK', '550 5.7.1', '450 4.4.0', '550 5.2.1', 'DISCARD'])
      assert.ok((counts.get(answer) ?? 0) > 100, `${answer} hardly ever came`);
  });
});
