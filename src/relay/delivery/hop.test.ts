import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { seededRandom } from '../../../test/fakes/random.ts';
import { fakeResolver, type Zone } from '../../../test/fakes/resolver.ts';
import { findAddresses, findExchanges, literalAddress, orderExchanges, routingDomain, type HopDeps } from './hop.ts';
import { routeTable } from './route.ts';

function deps(zone: Zone = {}): HopDeps {
  return {
    resolver: fakeResolver(zone),
    random: seededRandom(3),
    hostname: 'relay.example',
    ownAddresses: [{ address: '192.0.2.1', port: 25 }],
    port: 25,
  };
}

const byMx = routeTable([]).find('example.org');

describe('exchanges', () => {
  test('by rising preference, equals in an order that changes', () => {
    const records = [
      [20, 'd'],
      [10, 'a'],
      [10, 'b'],
      [10, 'c'],
      [20, 'a'],
    ].map(([preference, exchange]) => ({ preference: preference as number, exchange: exchange as string }));
    const random = seededRandom(1);
    const orders = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const [first, second, ...rest] = orderExchanges(records, 'relay.example', random);
      assert.deepEqual([...(first ?? [])].sort(), ['a', 'b', 'c']);
      assert.deepEqual(second, ['d'], 'a host is tried at its best preference only');
      assert.deepEqual(rest, []);
      orders.add((first ?? []).join());
    }
    assert.equal(orders.size, 6);
  });

  test('are cut at our own name, with its equals and all behind it (RFC 5321 §5.1)', () => {
    const record = fc.record({
      preference: fc.integer({ min: 0, max: 5 }),
      exchange: fc.constantFrom('a.example', 'b.example', 'Relay.Example.', 'c.example'),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.integer(), (records, seed) => {
        const groups = orderExchanges(records, 'relay.example', seededRandom(seed));
        const own = Math.min(
          ...records.filter(({ exchange }) => exchange === 'Relay.Example.').map(({ preference }) => preference),
        );
        const expected = new Set(records.filter(({ preference }) => preference < own).map(({ exchange }) => exchange));
        assert.deepEqual(new Set(groups.flat()), expected);
        assert.equal(groups.flat().length, expected.size);
      }),
    );
  });

  test('without MX the domain itself, when it exists', async () => {
    assert.deepEqual(await findExchanges(byMx, 'example.org', deps({ addresses: { 'example.org': ['192.0.2.5'] } })), {
      kind: 'groups',
      groups: [['example.org']],
      port: 25,
    });
    const gone = await findExchanges(byMx, 'example.org', deps());
    assert.ok(gone.kind === 'none' && gone.status === 'no-such-domain');
  });

  test('a null MX among others means nothing', async () => {
    assert.deepEqual(
      await findExchanges(
        byMx,
        'example.org',
        deps({
          mx: {
            'example.org': [
              [0, '.'],
              [5, 'a.example'],
            ],
          },
        }),
      ),
      { kind: 'groups', groups: [['a.example']], port: 25 },
    );
  });
});

describe('addresses of hops', () => {
  test('host by host, addresses as they are; ours means a loop', async () => {
    const zone: Zone = { addresses: { 'a.example': ['192.0.2.5', '2001:db8::5'], 'me.example': ['192.0.2.1'] } };
    const found = await findAddresses(['a.example', '192.0.2.8', 'gone.example'], 25, deps(zone));
    assert.ok(found.kind === 'hops');
    assert.deepEqual(
      found.hops.map(({ host, address }) => `${host} ${address}`),
      ['a.example 192.0.2.5', 'a.example 2001:db8::5', '192.0.2.8 192.0.2.8'],
    );
    assert.equal(found.missing?.status, 'no-route');
    assert.deepEqual(await findAddresses(['a.example', 'me.example'], 25, deps(zone)), {
      kind: 'self',
      host: 'me.example',
    });
    assert.equal(
      (await findAddresses(['me.example'], 2525, deps(zone))).kind,
      'hops',
      'another port is another server',
    );
  });
});

describe('domains', () => {
  test('as they are routed', () => {
    assert.equal(routingDomain('"a@b"@Example.ORG'), 'example.org');
    assert.equal(routingDomain('bøb@bücher.example'), 'xn--bcher-kva.example');
    assert.equal(literalAddress('[192.0.2.1]'), '192.0.2.1');
    assert.equal(literalAddress('[IPv6:2001:db8::1]'), '2001:db8::1');
    assert.equal(literalAddress('example.org'), undefined);
  });
});
