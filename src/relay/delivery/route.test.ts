import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTarget, routeTable } from './route.ts';
import type { RouteSettings } from './settings.ts';

function route(
  domains: readonly string[],
  to: string | undefined,
  changes: Partial<RouteSettings> = {},
): RouteSettings {
  return {
    domains,
    to,
    tls: 'opportunistic',
    implicit: false,
    identity: undefined,
    authorities: undefined,
    ...changes,
  };
}

describe('routes', () => {
  test('the first that names the domain counts: exact, subdomain or all', () => {
    const table = routeTable([
      route(['a.example', '.sub.example'], 'one.example:25'),
      route(['deep.sub.example', 'sub.example'], 'two.example:25'),
      route(['*'], 'rest.example:25'),
      route(['late.example'], 'never.example:25'),
    ]);
    const hosts = [
      'a.example',
      'deep.sub.example',
      'x.y.sub.example',
      'sub.example',
      'notsub.example',
      'late.example',
      '[192.0.2.1]',
    ].map((domain) => table.find(domain).smarthost?.host);
    assert.deepEqual(hosts, [
      'one.example',
      'one.example',
      'one.example',
      'two.example',
      'rest.example',
      'rest.example',
      'rest.example',
    ]);
  });

  test('without a route mail goes by MX, with TLS where offered', () => {
    const found = routeTable([]).find('example.org');
    assert.equal(found.smarthost, undefined);
    assert.equal(found.tls, 'opportunistic');
  });

  test('the key is the smarthost, else the domain', () => {
    const table = routeTable([
      route(['a.example'], 'Hop.Example:587'),
      route(['b.example'], '[2001:DB8::1]'),
      route(['c.example'], undefined, { tls: 'verify' }),
    ]);
    assert.deepEqual(
      ['a.example', 'b.example', 'c.example', 'd.example', '[192.0.2.1]'].map((domain) => table.key(domain)),
      ['hop.example:587', '[2001:db8::1]:25', 'c.example', 'd.example', '[192.0.2.1]'],
    );
  });

  test('routes to one host share a key only when they go the same way', () => {
    const identity = { certificate: '/c.pem', key: '/k.pem' };
    const table = routeTable([
      route(['a'], 'h:25'),
      route(['b'], 'h:25'),
      route(['c'], 'h:25', { identity }),
      route(['d'], 'h:25', { tls: 'verify' }),
      route(['e'], 'h:25', { identity: { ...identity } }),
    ]);
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e'].map((domain) => table.key(domain)),
      ['h:25', 'h:25', 'h:25/2', 'h:25/3', 'h:25/2'],
    );
  });

  test('targets: names, addresses, ports and their defaults', () => {
    assert.deepEqual(parseTarget('hop.example'), { host: 'hop.example', port: 25, mx: false });
    assert.deepEqual(parseTarget('hop.example.', true), { host: 'hop.example', port: 465, mx: false });
    assert.deepEqual(parseTarget('[IPv6:2001:db8::1]:2525'), { host: '2001:db8::1', port: 2525, mx: false });
    assert.deepEqual(parseTarget('[192.0.2.1]'), { host: '192.0.2.1', port: 25, mx: false });
    assert.deepEqual(parseTarget('mx:example.net:587'), { host: 'example.net', port: 587, mx: true });
    assert.equal(parseTarget('mx:[192.0.2.1]').mx, false);
    for (const wrong of ['', ':25', 'a:0', 'a:70000', 'a b', '2001:db8::1', 'a:25:26', '.'])
      assert.throws(() => parseTarget(wrong), RangeError, wrong);
  });

  test('a target may name the domain, or what it has before the pattern; each target has a key of its own', () => {
    const table = routeTable([
      route(['.sub.example'], '%1.inside.example:26'),
      route(['*'], 'mx:%0:25', { tls: 'required' }),
    ]);
    assert.deepEqual(table.find('a.b.sub.example').smarthost, { host: 'a.b.inside.example', port: 26, mx: false });
    assert.deepEqual(table.find('other.example').smarthost, { host: 'other.example', port: 25, mx: true });
    assert.equal(table.key('a.sub.example'), 'a.inside.example:26/r1');
    assert.equal(table.key('b.sub.example'), 'b.inside.example:26/r1');
    assert.equal(table.key('other.example'), 'mx:other.example:25/r2');
  });

  test('a domain that is no host by such a target is refused, an address is one in whatever case', () => {
    const table = routeTable([route(['*'], '%0:26')]);
    assert.deepEqual(table.find('[ipv6:2001:db8::1]').smarthost, { host: '2001:db8::1', port: 26, mx: false });
    assert.equal(table.key('[ipv6:2001:db8::1]'), '[2001:db8::1]:26/r1');
    assert.equal(table.find('[tag:abc]').end?.kind, 'refuse');
    assert.equal(table.key('[tag:abc]'), '[tag:abc]');
  });

  test('what no route names has the defaults', () => {
    const defaults = {
      tlsFallback: true,
      identity: { certificate: 'c', key: 'k' },
      authorities: { files: ['ca'], directories: [] },
    };
    const found = routeTable([], defaults).find('a.example');
    assert.deepEqual(
      [found.tls, found.tlsFallback, found.identity, found.authorities],
      ['opportunistic', true, defaults.identity, defaults.authorities],
    );
  });
});
