import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromLatin1 } from '../../base/bytes.ts';
import { fakeClock } from '../../../test/fakes/clock.ts';
import { fakeHop, type FakeHop, type HopScript } from '../../../test/fakes/hop.ts';
import { fakeNetwork } from '../../../test/fakes/network.ts';
import { seededRandom } from '../../../test/fakes/random.ts';
import { fakeResolver } from '../../../test/fakes/resolver.ts';
import type { AccessFeature } from '../access/feature.ts';
import { parseAccessMap } from '../access/map.ts';
import type { CarryResult } from '../message/shipment.ts';
import { carrier, type CarrierDeps } from './attempt.ts';
import type { OutboundTls } from './dialer.ts';
import type { RouteSettings } from './settings.ts';

const ROUTE: RouteSettings = {
  domains: ['*'],
  to: 'mx.peer.test:25',
  tls: 'opportunistic',
  implicit: false,
  identity: undefined,
  authorities: undefined,
};

/** A certificate for mx.peer.test of a CA that is believed. */
const GOOD: OutboundTls = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  verified: true,
  detail: undefined,
  trusted: true,
  certificate: {
    subject: '/C=JP/CN=mx.peer.test',
    issuer: '/C=JP/CN=ca',
    commonName: 'mx.peer.test',
    dnsNames: ['mx.peer.test'],
  },
};
const ROGUE: OutboundTls = { ...GOOD, verified: false, trusted: false, detail: 'SELF_SIGNED_CERT_IN_CHAIN' };

interface World {
  map: string;
  readonly hop: FakeHop;
  carry(...to: string[]): Promise<CarryResult>;
  /** Outcomes with their codes, and what the operator is told. */
  outcomes(...to: string[]): Promise<string[]>;
}

interface Options {
  readonly route?: Partial<RouteSettings>;
  readonly features?: readonly AccessFeature[];
  readonly credentials?: CarrierDeps['credentials'];
}

function world(map: string, script: HopScript, options: Options = {}): World {
  const clock = fakeClock();
  const network = fakeNetwork();
  const hop = fakeHop(script);
  network.listeners.set('127.0.0.50:25', hop.listen);
  const at = { map };
  const made = carrier({
    settings: {
      routes: [{ ...ROUTE, ...options.route }],
      hostname: 'mail.relay.test',
      port: 25,
      connectTime: 30_000,
      replyTime: 300_000,
      contentTime: 600_000,
      idleTime: 10_000,
      messagesPerConnection: 100,
      ownAddresses: [],
    },
    resolver: fakeResolver({ addresses: { 'mx.peer.test': ['127.0.0.50'] } }),
    dialer: network,
    clock,
    random: seededRandom(1),
    policy: () => ({
      map: parseAccessMap(at.map, 'access').map,
      features: new Set(options.features),
      emailAlias: false,
    }),
    credentials: options.credentials,
  });
  const content = fromLatin1('Subject: test\r\n\r\ntext\r\n');
  const carry: World['carry'] = (...to) =>
    made.carry(
      {
        entry: 1,
        dest: 'whatever',
        at: 0,
        envelope: { reversePath: 'user@sender.test', body: '7BIT', smtputf8: false, ret: undefined, envid: undefined },
        origin: { holder: undefined, serial: undefined },
        size: content.length,
        recipients: (to.length === 0 ? ['rcpt@dest.test'] : to).map((address, id) => ({
          id,
          address,
          notify: undefined,
          orcpt: undefined,
        })),
        content: () => Promise.resolve(content),
      },
      new AbortController().signal,
    );
  return Object.assign(at, {
    hop,
    carry,
    async outcomes(...to: string[]) {
      const { recipients } = await carry(...to);
      return recipients.map(({ outcome }) =>
        outcome.kind === 'delivered'
          ? 'delivered'
          : `${outcome.kind} ${outcome.status.code} ${outcome.status.enhanced} ${outcome.detail}`,
      );
    },
  });
}

const verbs = (hop: FakeHop, number = 0): string =>
  (hop.connections[number]?.commands ?? []).map((line) => line.split(/[ :]/, 1)[0]).join(' ');

describe('attempt: the access map', () => {
  test('says nothing where it has no line: a certificate of nobody is good enough', async () => {
    const at = world('', { tls: ROGUE });
    assert.deepEqual(await at.outcomes(), ['delivered']);
    assert.equal(at.hop.messages[0]?.tls, true);
  });

  test('Try_TLS: NO, by name, domain, address or for all, leaves STARTTLS alone', async () => {
    for (const line of ['Try_TLS:mx.peer.test NO', 'Try_TLS:peer.test no', 'Try_TLS:127.0.0 NO', 'Try_TLS: NO']) {
      const at = world(line, { tls: GOOD });
      assert.deepEqual(await at.outcomes(), ['delivered'], line);
      assert.equal(at.hop.messages[0]?.tls, false, line);
      assert.doesNotMatch(verbs(at.hop), /STARTTLS/, line);
    }
    const spared = world('Try_TLS:mx.peer.test OK\nTry_TLS: NO', { tls: GOOD });
    await spared.carry();
    assert.equal(spared.hop.messages[0]?.tls, true);
  });

  test('Try_TLS: NO never goes below what the route demands', async () => {
    const at = world('Try_TLS: NO', { tls: GOOD }, { route: { tls: 'required' } });
    assert.deepEqual(await at.outcomes(), ['delivered']);
    assert.equal(at.hop.messages[0]?.tls, true);
  });

  const demands: readonly [map: string, script: HopScript, expected: string][] = [
    ['TLS_Srv:mx.peer.test VERIFY', { tls: GOOD }, 'delivered'],
    ['TLS_Srv:mx.peer.test VERIFY', { tls: ROGUE }, 'deferred 454 4.7.0 authentication failed, says access:1'],
    [
      'TLS_Srv:peer.test VERIFY:512',
      { tls: GOOD },
      'deferred 454 4.7.0 encryption too weak 256 less than 512, says access:1',
    ],
    ['TLS_Srv: VERIFY', {}, 'deferred 454 4.7.0 other side does not support STARTTLS, says access:1'],
    ['TLS_Srv: PERM+ENCR:112', {}, 'failed 503 5.7.0 encryption too weak 0 less than 112, says access:1'],
    ['TLS_Srv:127.0.0.50 TEMP+ENCR:112', {}, 'deferred 403 4.7.0 encryption too weak 0 less than 112, says access:1'],
    ['TLS_Srv:mx.peer.test VERIFY+CN', { tls: GOOD }, 'delivered'],
    ['TLS_Srv: VERIFY+CN:foo', { tls: GOOD }, 'deferred 454 4.7.0 CN mx.peer.test does not match foo, says access:1'],
    [
      'TLS_Srv: VERIFY',
      { tls: GOOD, starttls: '454 4.3.3 no' },
      'deferred 454 4.7.0 authentication failure, says access:1',
    ],
    [
      'TLS_Srv: VERIFY',
      { tls: GOOD, starttls: '550 5.7.1 no' },
      'deferred 454 4.7.0 other side does not support STARTTLS, says access:1',
    ],
    [
      'TLS_Srv: PERM+ENCR:112',
      { tls: 'bad record' },
      'failed 503 5.7.0 TLS handshake failed: bad record, says access:1',
    ],
    ['TLS_Srv: OK', { tls: 'bad record' }, 'deferred 451 4.7.5 bad record'],
    [
      'TLS_Srv: VERIFY\nTry_TLS: NO',
      { tls: GOOD },
      'deferred 454 4.7.0 other side does not support STARTTLS, says access:1',
    ],
  ];
  for (const [map, script, expected] of demands)
    test(`${map.replace('\n', ', ')} with ${JSON.stringify(script.tls === GOOD ? 'a good one' : (script.tls ?? 'no TLS'))} ${script.starttls ?? ''}: ${expected}`, async () => {
      const at = world(map, script);
      assert.deepEqual(await at.outcomes(), [expected]);
      assert.equal(at.hop.messages.length, expected === 'delivered' ? 1 : 0);
      assert.doesNotMatch(expected === 'delivered' ? '' : verbs(at.hop), /MAIL/);
    });

  test('TLS_PERM_ERR makes all of them final', async () => {
    const options: Options = { features: ['tls_perm_err'] };
    assert.deepEqual(await world('TLS_Srv: VERIFY', { tls: ROGUE }, options).outcomes(), [
      'failed 554 5.7.0 authentication failed, says access:1',
    ]);
    assert.deepEqual(await world('', { tls: 'bad record' }, options).outcomes(), [
      'failed 554 5.7.0 TLS handshake failed: bad record',
    ]);
  });

  test('after a failed handshake, in clear where that is allowed and nothing is demanded', async () => {
    const route = { tlsFallback: true };
    assert.deepEqual(await world('', { tls: 'bad record' }, { route }).outcomes(), ['delivered']);
    assert.deepEqual(await world('TLS_Srv: VERIFY', { tls: 'bad record' }, { route }).outcomes(), [
      'deferred 454 4.7.0 STARTTLS disabled locally, says access:1',
    ]);
  });

  test('TLS_Rcpt: keeps back the recipients it is for, and the others go on', async () => {
    const at = world('TLS_Rcpt:rcpt@dest.test VERIFY\nTLS_Rcpt:never@ PERM+VERIFY\nTLS_Rcpt:dest.test OK', {
      tls: ROGUE,
    });
    assert.deepEqual(await at.outcomes('rcpt+x@dest.test', 'other@dest.test', 'never@third.test', 'a@sub.dest.test'), [
      'deferred 454 4.7.0 authentication failed, says access:1',
      'delivered',
      'failed 503 5.7.0 authentication failed, says access:2',
      'delivered',
    ]);
    assert.deepEqual(at.hop.messages[0]?.recipients, ['RCPT TO:<other@dest.test>', 'RCPT TO:<a@sub.dest.test>']);
    const alone = world('TLS_Rcpt: VERIFY', { tls: ROGUE });
    await alone.carry();
    assert.doesNotMatch(verbs(alone.hop), /MAIL/, 'nobody is left to say MAIL for');
    assert.deepEqual(await world('TLS_Rcpt: VERIFY:128+CN:mx.peer.test', { tls: GOOD }).outcomes(), ['delivered']);
  });

  test('a kept connection is judged anew when the map has changed', async () => {
    const at = world('', { tls: ROGUE });
    assert.deepEqual(await at.outcomes(), ['delivered']);
    assert.deepEqual(await at.outcomes(), ['delivered']);
    assert.equal(at.hop.connections.length, 1);
    at.map = 'TLS_Srv: VERIFY';
    assert.deepEqual(await at.outcomes(), ['deferred 454 4.7.0 authentication failed, says access:1']);
    assert.equal(at.hop.messages.length, 2);
  });
});

describe('attempt: routes to nowhere', () => {
  test('refuse with what they say, or throw away', async () => {
    const refusing = (reply: string): Promise<string[]> =>
      world('', {}, { route: { to: undefined, end: { kind: 'refuse', reply } } }).outcomes();
    assert.deepEqual(await refusing('550 5.1.2 gone'), ['failed 550 5.1.2 the route of dest.test refuses: gone']);
    assert.deepEqual(await refusing('450 later'), ['deferred 450 4.0.0 the route of dest.test refuses: later']);
    assert.deepEqual(await refusing('gone'), ['failed 550 5.7.1 the route of dest.test refuses: gone']);
    const at = world('', {}, { route: { to: undefined, end: { kind: 'discard' } } });
    assert.deepEqual(await at.outcomes(), ['delivered']);
    assert.equal(at.hop.connections.length, 0);
  });
});
