import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromLatin1, utf8, type Bytes } from '../../base/bytes.ts';
import { Fault } from '../../base/fault.ts';
import type { Outcome } from '../../base/outcome.ts';
import { statuses } from '../../base/status.ts';
import { fakeClock, type FakeClock } from '../../../test/fakes/clock.ts';
import { fakeHop, type FakeHop, type HopScript } from '../../../test/fakes/hop.ts';
import { fakeNetwork, type FakeNetwork } from '../../../test/fakes/network.ts';
import { seededRandom } from '../../../test/fakes/random.ts';
import { fakeResolver, type FakeResolver, type Zone } from '../../../test/fakes/resolver.ts';
import type { Carrier, CarryResult, Shipment } from '../message/shipment.ts';
import { carrier } from './attempt.ts';
import type { OutboundTls } from './dialer.ts';
import type { DeliverySettings, RouteSettings } from './settings.ts';

const SMARTHOST: RouteSettings = {
  domains: ['*'],
  to: '192.0.2.9:587',
  tls: 'opportunistic',
  implicit: false,
  identity: undefined,
  authorities: undefined,
};

const UNVERIFIED: OutboundTls = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  verified: false,
  detail: 'SELF_SIGNED_CERT',
  trusted: false,
  certificate: undefined,
};
const VERIFIED: OutboundTls = { ...UNVERIFIED, verified: true, trusted: true, detail: undefined };

interface World {
  readonly clock: FakeClock;
  readonly network: FakeNetwork;
  readonly resolver: FakeResolver;
  readonly carrier: Carrier;
  hop(name: string, script?: HopScript): FakeHop;
  carry(shipment?: Partial<Shipment> & { to?: readonly string[] }, signal?: AbortSignal): Promise<CarryResult>;
}

function world(routes: readonly RouteSettings[], zone: Zone = {}, changes: Partial<DeliverySettings> = {}): World {
  const clock = fakeClock();
  const network = fakeNetwork();
  const resolver = fakeResolver(zone);
  const settings: DeliverySettings = {
    routes,
    hostname: 'relay.example',
    port: 25,
    connectTime: 30_000,
    replyTime: 300_000,
    contentTime: 600_000,
    idleTime: 10_000,
    messagesPerConnection: 100,
    ownAddresses: [{ address: '192.0.2.1', port: 25 }],
    ...changes,
  };
  const made = carrier({ settings, resolver, dialer: network, clock, random: seededRandom(1) });
  return {
    clock,
    network,
    resolver,
    carrier: made,
    hop(name, script) {
      const hop = fakeHop(script);
      network.listeners.set(name, hop.listen);
      return hop;
    },
    carry({ to = ['bob@example.org'], ...changes } = {}, signal = new AbortController().signal) {
      const content = fromLatin1('Subject: test\r\n\r\n.hidden dot\r\n');
      return made.carry(
        {
          entry: 1,
          dest: 'whatever',
          at: 0,
          envelope: {
            reversePath: 'alice@example.net',
            body: '7BIT',
            smtputf8: false,
            ret: undefined,
            envid: undefined,
          },
          origin: { holder: undefined, serial: undefined },
          size: content.length,
          recipients: to.map((address, index) => ({ id: 100 + index, address, notify: undefined, orcpt: undefined })),
          content: () => Promise.resolve(content),
          ...changes,
        },
        signal,
      );
    },
  };
}

function brief(outcome: Outcome | undefined): string {
  assert.ok(outcome !== undefined);
  return `${outcome.kind} ${outcome.status.key}${outcome.remote === undefined ? '' : ` ${outcome.remote.code}`}`;
}

function briefs(result: CarryResult): string[] {
  return result.recipients.map(({ outcome }) => brief(outcome));
}

describe('attempt: one hop', () => {
  test('delivers, dots and all, in one flight, and says what it did', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587');
    const result = await at.carry({ to: ['bob@example.org', 'carol@example.com'] });
    assert.deepEqual(briefs(result), ['delivered delivered 250', 'delivered delivered 250']);
    assert.deepEqual(
      result.recipients.map(({ id }) => id),
      [100, 101],
    );
    assert.equal(result.hop, '192.0.2.9 [192.0.2.9]:587');
    assert.equal(result.tls, undefined);
    assert.equal(hop.messages[0]?.content, 'Subject: test\r\n\r\n.hidden dot\r\n');
    assert.deepEqual(hop.connections[0]?.commands, [
      'EHLO relay.example',
      'MAIL FROM:<alice@example.net> SIZE=30',
      'RCPT TO:<bob@example.org>',
      'RCPT TO:<carol@example.com>',
      'DATA',
    ]);
    const outcome = result.recipients[0]?.outcome;
    assert.ok(outcome?.kind === 'delivered' && outcome.dsnRelayed && outcome.remote.text === 'queued as 1');
  });

  test('each recipient has its own outcome', async () => {
    const at = world([SMARTHOST]);
    at.hop('192.0.2.9:587', {
      rcpt: (line) =>
        line.includes('no@') ? '550 5.1.1 unknown' : line.includes('later@') ? '452 4.2.2 full' : undefined,
    });
    const result = await at.carry({ to: ['no@x.example', 'yes@x.example', 'later@x.example'] });
    assert.deepEqual(briefs(result), [
      'failed remote-refused 550',
      'delivered delivered 250',
      'deferred remote-deferred 452',
    ]);
    const refused = result.recipients[0]?.outcome;
    assert.ok(
      refused?.kind === 'failed' && refused.remote?.enhanced === '5.1.1' && refused.remote.command === 'RCPT TO',
    );
  });

  test('streams content that is not inline, and asks for it again for another host', async () => {
    const at = world([{ ...SMARTHOST, to: undefined }], {
      mx: {
        'example.org': [
          [1, 'a.example'],
          [2, 'b.example'],
        ],
      },
      addresses: { 'a.example': ['192.0.2.11'], 'b.example': ['192.0.2.12'] },
    });
    at.hop('192.0.2.11:25', { data: () => 'reset' });
    const good = at.hop('192.0.2.12:25');
    let asked = 0;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (const piece of ['Subject: long\r\n', '\r\n', '.', '\r\nend']) yield utf8(piece);
    }
    const result = await at.carry({ content: () => (asked++, Promise.resolve(pieces())) });
    assert.deepEqual(briefs(result), ['delivered delivered 250']);
    assert.equal(good.messages[0]?.content, 'Subject: long\r\n\r\n.\r\nend\r\n');
    assert.equal(asked, 2);
  });

  test('a connection lost before the transaction began defers, and says how it was lost', async () => {
    const early = world([SMARTHOST]);
    early.hop('192.0.2.9:587', { ehlo: '250 hop.example\r\n250 ok' });
    const outcome = (await early.carry()).recipients[0]?.outcome;
    assert.equal(brief(outcome), 'deferred remote-protocol');

    const lost = world([SMARTHOST]);
    const hop = lost.hop('192.0.2.9:587');
    const { promise, resolve } = Promise.withResolvers<Bytes>();
    const fetched = Promise.withResolvers<void>();
    const carried = lost.carry({
      content: () => {
        fetched.resolve();
        return promise;
      },
    });
    await fetched.promise;
    hop.connections[0]?.peer.reset();
    await new Promise((done) => setImmediate(done));
    resolve(fromLatin1('Subject: late\r\n\r\n'));
    assert.deepEqual(briefs(await carried), ['deferred connection-lost']);
  });

  test('content that cannot be had is nobody else’s fault', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587');
    assert.deepEqual(
      briefs(await at.carry({ content: () => Promise.reject(new Fault(statuses['content-missing'], 'gone')) })),
      ['failed content-missing'],
    );
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield utf8('Subject: x\r\n');
      throw new Fault(statuses['content-missing'], 'gone');
    }
    assert.deepEqual(briefs(await at.carry({ content: () => Promise.resolve(broken()) })), ['failed content-missing']);
    assert.equal(hop.messages.length, 0);
    assert.deepEqual(briefs(await at.carry()), ['delivered delivered 250'], 'and the next message finds its way');
  });

  test('a message the hop cannot take fails without being offered', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587', { capabilities: ['PIPELINING', 'SIZE 20'] });
    assert.deepEqual(briefs(await at.carry()), ['failed remote-size']);
    assert.deepEqual(hop.connections[0]?.commands, ['EHLO relay.example']);
  });
});

describe('attempt: kept connections', () => {
  test('are used again without RSET, and end after their number of messages', async () => {
    const at = world([SMARTHOST], {}, { messagesPerConnection: 2 });
    const hop = at.hop('192.0.2.9:587');
    for (let i = 0; i < 3; i++) assert.deepEqual(briefs(await at.carry()), ['delivered delivered 250']);
    assert.equal(hop.connections.length, 2);
    await at.clock.settle();
    assert.deepEqual(
      hop.connections[0]?.commands.filter((line) => !/^(MAIL|RCPT)/.test(line)),
      ['EHLO relay.example', 'DATA', 'DATA', 'QUIT'],
    );
    assert.equal(at.network.open.size, 1);
  });

  test('end when they were idle too long, or all at close()', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587');
    await at.carry();
    await at.clock.advance(9_000);
    assert.equal(at.network.open.size, 1);
    await at.clock.advance(1_000);
    assert.equal(at.network.open.size, 0);
    assert.equal(hop.connections[0]?.commands.at(-1), 'QUIT');
    await at.carry();
    at.carrier.close();
    assert.equal(at.network.open.size, 0);
    assert.equal(at.clock.pending(), 0, 'no timer is left');
  });

  test('that died are replaced silently, once', async () => {
    for (const death of ['reset', 'close', '421 4.4.2 idle']) {
      const at = world([SMARTHOST]);
      let mails = 0;
      const hop = at.hop('192.0.2.9:587', { mail: () => (++mails === 2 ? death : undefined) });
      await at.carry();
      assert.deepEqual(briefs(await at.carry()), ['delivered delivered 250'], death);
      assert.equal(hop.connections.length, 2);
    }
    const at = world([SMARTHOST]);
    let mails = 0;
    const hop = at.hop('192.0.2.9:587', { mail: () => (++mails > 1 ? 'reset' : undefined) });
    await at.carry();
    assert.deepEqual(briefs(await at.carry()), ['deferred connection-lost']);
    assert.equal(hop.connections.length, 2);
  });

  test('that the server closed while idle are forgotten', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587');
    await at.carry();
    hop.connections[0]?.peer.send('421 4.4.2 too long\r\n');
    hop.connections[0]?.peer.end();
    await at.clock.settle();
    assert.deepEqual(briefs(await at.carry()), ['delivered delivered 250']);
    assert.equal(hop.connections.length, 2);
    assert.equal(hop.connections[0]?.commands.filter((line) => line.startsWith('MAIL')).length, 1);
  });

  test('are not shared between routes that differ in TLS', async () => {
    const at = world([{ ...SMARTHOST, domains: ['safe.example'], tls: 'required' }, SMARTHOST]);
    const hop = at.hop('192.0.2.9:587', { tls: VERIFIED, starttls: '454 4.3.3 not now' });
    assert.deepEqual(briefs(await at.carry({ to: ['a@other.example'] })), ['delivered delivered 250']);
    assert.deepEqual(briefs(await at.carry({ to: ['a@safe.example'] })), ['deferred tls-unavailable 454']);
    assert.equal(hop.messages.length, 1);
  });

  test('carry transactions of several at once over one each', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587');
    await Promise.all([at.carry(), at.carry(), at.carry()]);
    assert.equal(hop.connections.length, 3);
    await Promise.all([at.carry(), at.carry(), at.carry()]);
    assert.equal(hop.connections.length, 3);
    assert.equal(hop.messages.length, 6);
  });
});

describe('attempt: several hops', () => {
  const zone: Zone = {
    mx: {
      'example.org': [
        [20, 'b.example'],
        [10, 'a.example'],
      ],
    },
    addresses: { 'a.example': ['192.0.2.11', '2001:db8::11'], 'b.example': ['192.0.2.12'] },
  };
  const byMx = { ...SMARTHOST, to: undefined };

  test('are tried in order when connecting fails or the greeting puts off', async () => {
    const at = world([byMx], zone);
    at.hop('2001:db8::11:25', { greeting: '421 4.3.2 busy' });
    const hop = at.hop('192.0.2.12:25');
    const result = await at.carry();
    assert.deepEqual(briefs(result), ['delivered delivered 250']);
    assert.deepEqual(at.network.dialled, ['192.0.2.11:25', '2001:db8::11:25', '192.0.2.12:25']);
    assert.equal(result.hop, 'b.example [192.0.2.12]:25');
    assert.equal(hop.messages.length, 1);
  });

  test('5xx of every host is final, of one only a reason to try the next', async () => {
    const at = world([byMx], zone);
    at.hop('192.0.2.11:25', { greeting: '554 5.3.2 no' });
    at.hop('2001:db8::11:25', { greeting: '554 5.3.2 no' });
    assert.deepEqual(briefs(await at.carry()), ['deferred connect-failed'], 'b does not answer');
    at.hop('192.0.2.12:25', { ehlo: '550 5.7.1 not you' });
    assert.deepEqual(briefs(await at.carry()), ['failed remote-refused 550']);
    at.hop('192.0.2.11:25', { greeting: '451 4.3.2 busy' });
    assert.deepEqual(briefs(await at.carry()), ['deferred remote-deferred 451'], 'whichever comes first');
    at.hop('192.0.2.12:25');
    assert.deepEqual(briefs(await at.carry()), ['delivered delivered 250']);
  });

  test('a lost connection before the content was complete leads to the next, after it never', async () => {
    const at = world([byMx], zone);
    at.hop('192.0.2.11:25', { rcpt: (line) => (line.includes('no@') ? '550 5.1.1 no' : 'reset') });
    at.network.listeners.delete('2001:db8::11:25');
    const second = at.hop('192.0.2.12:25');
    assert.deepEqual(briefs(await at.carry({ to: ['no@example.org', 'bob@example.org'] })), [
      'failed remote-refused 550',
      'delivered delivered 250',
    ]);
    assert.deepEqual(
      second.messages[0]?.recipients,
      ['RCPT TO:<bob@example.org>'],
      'who was refused is not offered again',
    );

    const other = world([byMx], zone);
    other.hop('192.0.2.11:25', { end: () => 'reset' });
    const spare = other.hop('192.0.2.12:25');
    assert.deepEqual(briefs(await other.carry()), ['deferred connection-lost']);
    assert.equal(spare.connections.length, 0);
  });

  test('a 4xx or 5xx to a command is that, and no other host is asked', async () => {
    const at = world([byMx], zone);
    at.hop('192.0.2.11:25', { mail: () => '451 4.7.1 greylisted' });
    const spare = at.hop('192.0.2.12:25');
    assert.deepEqual(briefs(await at.carry()), ['deferred remote-deferred 451']);
    assert.equal(spare.connections.length, 0);
  });

  test('a kept connection to any host of the best group is used before names are asked for', async () => {
    const at = world([byMx], zone);
    at.hop('192.0.2.11:25');
    await at.carry();
    at.resolver.asked.length = 0;
    await at.carry();
    assert.deepEqual(at.resolver.asked, ['mx example.org']);
    assert.deepEqual(at.network.dialled, ['192.0.2.11:25']);
  });

  test('where there is none, the outcome says why', async () => {
    const cases: [Zone, string][] = [
      [{}, 'failed no-such-domain'],
      [{ mx: { 'example.org': 'temporary' } }, 'deferred lookup-failed'],
      [{ mx: { 'example.org': [[0, '']] } }, 'failed null-mx'],
      [{ mx: { 'example.org': [[5, 'relay.example']] } }, 'failed hop-is-self'],
      [
        { mx: { 'example.org': [[5, 'me.example']] }, addresses: { 'me.example': ['192.0.2.1'] } },
        'failed hop-is-self',
      ],
      [{ names: { 'example.org': [] } }, 'failed no-route'],
      [
        {
          mx: {
            'example.org': [
              [5, 'a.example'],
              [6, 'b.example'],
            ],
          },
          addresses: { 'b.example': 'temporary' },
        },
        'deferred lookup-failed',
      ],
      [{ addresses: { 'example.org': ['192.0.2.77'] } }, 'deferred connect-failed'],
    ];
    for (const [known, expected] of cases) assert.deepEqual(briefs(await world([byMx], known).carry()), [expected]);
  });

  test('mail to an address literal goes there', async () => {
    const at = world([byMx]);
    at.hop('192.0.2.50:25');
    at.hop('2001:db8::5:25');
    assert.deepEqual(briefs(await at.carry({ to: ['bob@[192.0.2.50]'] })), ['delivered delivered 250']);
    assert.deepEqual(briefs(await at.carry({ to: ['bob@[IPv6:2001:db8::5]'] })), ['delivered delivered 250']);
    assert.deepEqual(at.resolver.asked, []);
  });

  test('recipients whose routes have become different go their own ways', async () => {
    const at = world([{ ...SMARTHOST, domains: ['inside.example'] }, byMx], zone);
    const inside = at.hop('192.0.2.9:587');
    const outside = at.hop('192.0.2.11:25', { rcpt: () => '550 5.1.1 no' });
    const result = await at.carry({ to: ['a@example.org', 'b@inside.example', 'c@example.org'] });
    assert.deepEqual(briefs(result), [
      'failed remote-refused 550',
      'delivered delivered 250',
      'failed remote-refused 550',
    ]);
    assert.deepEqual(
      result.recipients.map(({ id }) => id),
      [100, 101, 102],
    );
    assert.equal(inside.messages.length, 1);
    assert.equal(outside.connections.length, 1);
  });
});

describe('attempt: TLS', () => {
  const identity = { certificate: '/c.pem', key: '/k.pem' };

  test('opportunistic: used when offered, whoever shows what', async () => {
    const at = world([{ ...SMARTHOST, to: 'hop.example:587', identity }], {
      addresses: { 'hop.example': ['192.0.2.9'] },
    });
    const hop = at.hop('192.0.2.9:587', { tls: UNVERIFIED });
    const result = await at.carry();
    assert.equal(result.tls, 'TLSv1.3 verify=FAIL');
    assert.equal(hop.messages[0]?.tls, true);
    assert.deepEqual(hop.connections[0]?.handshakes, [{ name: 'hop.example', identity, authorities: undefined }]);
    assert.deepEqual(hop.connections[0]?.commands.slice(0, 3), [
      'EHLO relay.example',
      'STARTTLS',
      'EHLO relay.example',
    ]);
  });

  test('a failed handshake defers; in clear only when the route allows it', async () => {
    const strict = world([SMARTHOST]);
    const hop = strict.hop('192.0.2.9:587', { tls: 'no shared cipher' });
    const result = await strict.carry();
    assert.deepEqual(briefs(result), ['deferred tls-failed']);
    assert.ok(
      result.recipients[0]?.outcome.kind === 'deferred' &&
        result.recipients[0].outcome.detail.includes('no shared cipher'),
    );
    assert.equal(hop.connections.length, 1);

    const lax = world([{ ...SMARTHOST, tlsFallback: true }]);
    const clear = lax.hop('192.0.2.9:587', { tls: 'no shared cipher' });
    assert.deepEqual(briefs(await lax.carry()), ['delivered delivered 250']);
    assert.equal(clear.messages[0]?.tls, false);

    const required = world([{ ...SMARTHOST, tls: 'required', tlsFallback: true }]);
    required.hop('192.0.2.9:587', { tls: 'no shared cipher' });
    assert.deepEqual(briefs(await required.carry()), ['deferred tls-failed']);
  });

  test('a connection in clear is kept for those only who would have made it', async () => {
    const to = 'hop.example:587';
    const zone: Zone = { addresses: { 'hop.example': ['192.0.2.9'] } };
    const lax = { ...SMARTHOST, to, domains: ['lax.example'], tlsFallback: true };
    const at = world([lax, { ...SMARTHOST, to }], zone);
    const hop = at.hop('192.0.2.9:587', { tls: 'no shared cipher' });
    assert.deepEqual(briefs(await at.carry({ to: ['a@lax.example'] })), ['delivered delivered 250']);
    assert.deepEqual(briefs(await at.carry({ to: ['b@strict.example'] })), ['deferred tls-failed']);
    assert.equal(hop.messages.length, 1);
  });

  test('required and not offered: nothing is sent', async () => {
    const at = world([{ ...SMARTHOST, tls: 'required' }]);
    const hop = at.hop('192.0.2.9:587');
    assert.deepEqual(briefs(await at.carry()), ['deferred tls-unavailable']);
    await at.clock.settle();
    assert.deepEqual(hop.connections[0]?.commands, ['EHLO relay.example', 'QUIT']);
  });

  test('verify: a certificate that does not verify gets nothing, one that does gets the mail', async () => {
    const route: RouteSettings = {
      ...SMARTHOST,
      to: 'hop.example:587',
      tls: 'verify',
      authorities: { files: ['/ca.pem'], directories: [] },
    };
    const zone: Zone = { addresses: { 'hop.example': ['192.0.2.9'] } };
    const bad = world([route], zone);
    const hop = bad.hop('192.0.2.9:587', { tls: UNVERIFIED });
    assert.deepEqual(briefs(await bad.carry()), ['deferred tls-failed']);
    assert.equal(hop.messages.length, 0);
    const good = world([route], zone);
    good.hop('192.0.2.9:587', { tls: VERIFIED });
    assert.equal((await good.carry()).tls, 'TLSv1.3 verify=OK');
  });

  test('implicit: TLS from the first byte, verified before EHLO', async () => {
    const route: RouteSettings = { ...SMARTHOST, to: '192.0.2.9', implicit: true, tls: 'verify' };
    const at = world([route]);
    const hop = at.hop('192.0.2.9:465', { tls: VERIFIED });
    const result = await at.carry();
    assert.deepEqual(briefs(result), ['delivered delivered 250']);
    assert.equal(result.tls, 'TLSv1.3 verify=OK');
    assert.deepEqual(hop.connections[0]?.commands[0], 'EHLO relay.example');
    const bad = world([route]);
    const other = bad.hop('192.0.2.9:465', { tls: UNVERIFIED });
    assert.deepEqual(briefs(await bad.carry()), ['deferred tls-failed']);
    await bad.clock.settle();
    assert.deepEqual(other.connections[0]?.commands, []);
  });

  test('what is said in clear behind the 220 ends the connection', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587', { tls: VERIFIED, starttls: '220 go\r\n250 injected' });
    assert.deepEqual(briefs(await at.carry()), ['deferred remote-protocol']);
    assert.equal(hop.connections[0]?.handshakes.length, 0);
  });
});

describe('attempt: time', () => {
  test('a silent server is given up after its time', async () => {
    const cases: [HopScript, number][] = [
      [{ greeting: 'silent' }, 300_000],
      [{ ehlo: 'silent' }, 300_000],
      [{ mail: () => 'silent' }, 300_000],
      [{ data: () => 'silent' }, 120_000],
      [{ end: () => 'silent' }, 600_000],
    ];
    for (const [script, span] of cases) {
      const at = world([SMARTHOST]);
      at.hop('192.0.2.9:587', script);
      let result: CarryResult | undefined;
      void at.carry().then((carried) => (result = carried));
      await at.clock.advance(span - 1);
      assert.equal(result, undefined, JSON.stringify(script));
      await at.clock.advance(1);
      assert.ok(result !== undefined, JSON.stringify(script));
      assert.deepEqual(briefs(result), ['deferred remote-timeout']);
      assert.equal(at.network.open.size, 0);
      assert.equal(at.clock.pending(), 0);
    }
  });

  test('bytes without replies win no time', async () => {
    const at = world([SMARTHOST]);
    const hop = at.hop('192.0.2.9:587', { greeting: 'silent' });
    let result: CarryResult | undefined;
    void at.carry().then((carried) => (result = carried));
    for (let i = 0; i < 10; i++) {
      await at.clock.advance(30_000);
      hop.connections[0]?.peer.send('2');
    }
    assert.ok(result !== undefined);
    assert.deepEqual(briefs(result), ['deferred remote-timeout']);
  });

  test('an aborted signal ends the attempt at once, wherever it is', async () => {
    const cases: HopScript[] = [
      { greeting: 'silent' },
      { mail: () => 'silent' },
      { data: () => 'silent' },
      { end: () => 'silent' },
    ];
    for (const script of cases) {
      const at = world([SMARTHOST]);
      at.hop('192.0.2.9:587', script);
      const stop = new AbortController();
      const carried = at.carry({}, stop.signal);
      await at.clock.settle();
      stop.abort();
      assert.deepEqual(briefs(await carried), ['deferred connection-lost'], JSON.stringify(script));
      assert.equal(at.network.open.size, 0);
      assert.equal(at.clock.pending(), 0);
    }
    const before = world([SMARTHOST]);
    before.hop('192.0.2.9:587');
    assert.deepEqual(briefs(await before.carry({}, AbortSignal.abort())), ['deferred connection-lost']);
    assert.deepEqual(before.network.dialled, []);
  });

  test('close() ends what is under way', async () => {
    for (const script of [{ ehlo: 'silent' }, { end: () => 'silent' }]) {
      const at = world([SMARTHOST]);
      at.hop('192.0.2.9:587', script);
      const carried = at.carry();
      await at.clock.settle();
      at.carrier.close();
      assert.deepEqual(briefs(await carried), ['deferred connection-lost']);
    }
  });

  test('a slow connection is given up', async () => {
    const at = world([SMARTHOST]);
    const late = carrier({
      settings: {
        routes: [SMARTHOST],
        hostname: 'r',
        port: 25,
        connectTime: 30_000,
        replyTime: 1,
        contentTime: 1,
        idleTime: 1,
        messagesPerConnection: 1,
        ownAddresses: [],
      },
      resolver: at.resolver,
      clock: at.clock,
      random: seededRandom(1),
      dialer: {
        dial: (_target, _handler, signal) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => resolve({ kind: 'failed', stage: 'connect', detail: 'stopped' })),
          ),
      },
    });
    const content: Bytes = utf8('x');
    const carried = late.carry(
      {
        entry: 1,
        dest: '',
        at: 0,
        envelope: { reversePath: '', body: '7BIT', smtputf8: false, ret: undefined, envid: undefined },
        origin: { holder: undefined, serial: undefined },
        size: 1,
        recipients: [{ id: 1, address: 'a@b.example', notify: undefined, orcpt: undefined }],
        content: () => Promise.resolve(content),
      },
      new AbortController().signal,
    );
    await at.clock.advance(30_000);
    const outcome = (await carried).recipients[0]?.outcome;
    assert.equal(brief(outcome), 'deferred connect-failed');
    assert.ok(outcome?.kind === 'deferred' && outcome.detail.includes('30000 ms'));
  });
});
