import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { routeTable } from '../../relay/delivery/route.ts';
import { mailertableRoutes, smartHostRoutes, type SiteRoutes } from './mailertable.ts';
import type { TableRow } from './site.ts';

const PORTS = { relay: 2600, esmtp: 25 };

function of(...lines: string[]): SiteRoutes {
  const rows = lines.map((line, index): TableRow => {
    const [key = '', value = ''] = line.split(/\s+(.*)/s);
    return { file: 'mailertable', line: index + 1, key, value };
  });
  return mailertableRoutes(rows, PORTS, new Set(['relay.test']));
}

describe('mailertable', () => {
  test('hosts in brackets by their addresses, others by MX; ports by mailer', () => {
    const { routes, findings } = of(
      'a.test esmtp:[mx.a.test]',
      'b.test relay:hub.b.test',
      'c.test [192.0.2.1]',
      'd.test esmtp:[IPv6:2001:db8::1]',
      'e.test hub.e.test.',
      'F.test smtp:192.0.2.7',
    );
    assert.deepEqual(
      routes.map(({ domains, to }) => `${domains.join()} ${to}`),
      [
        'a.test mx.a.test:25',
        'b.test mx:hub.b.test:2600',
        'c.test 192.0.2.1:2600',
        'd.test [2001:db8::1]:25',
        'e.test mx:hub.e.test:2600',
        'f.test 192.0.2.7:25',
      ],
    );
    assert.deepEqual(findings, []);
  });

  test('whole names before parents, long ones before short ones, the dot last; %1 is what a parent leaves', () => {
    const { routes } = of(
      '. relay:[rest]',
      '.test relay:[test]',
      '.sub.test esmtp:[%1.inner.test]',
      'x.sub.test relay:[x]',
    );
    const table = routeTable(
      routes.map(({ domains, to }) => ({
        domains,
        to,
        tls: 'opportunistic',
        implicit: false,
        identity: undefined,
        authorities: undefined,
      })),
    );
    const hosts = ['x.sub.test', 'a.b.sub.test', 'sub.test', 'other.example'].map(
      (domain) => table.find(domain).smarthost?.host,
    );
    assert.deepEqual(hosts, ['x', 'a.b.inner.test', 'test', 'rest']);
  });

  test('errors, with codes, names or nothing; discard', () => {
    const { routes } = of(
      'a.test error:5.1.2:550 moved away',
      'b.test error:nohost:no such host',
      'c.test error:go away',
      'd.test error:4.3.0:later',
      'e.test discard:x',
      'f.test error:550 5.7.1 never',
    );
    assert.deepEqual(
      routes.map(({ refuse, discard }) => refuse ?? discard),
      ['550 5.1.2 moved away', '550 5.1.2 no such host', 'go away', '450 4.3.0 later', true, '550 5.7.1 never'],
    );
  });

  test('what cannot be carried over is told, with its line', () => {
    const { routes, findings } = of(
      'a.test local:',
      'b.test procmail:/etc/x',
      'c.test relay.test',
      'd.test esmtp:[%1.x]',
      'e.test esmtp:',
    );
    assert.deepEqual(routes, []);
    assert.deepEqual(
      findings.map(({ line, fate, note }) => [line, fate, note?.key]),
      [
        [1, 'dropped', 'sendmail.localDelivery'],
        [2, 'dropped', 'sendmail.mailer'],
        [3, 'dropped', 'sendmail.localDelivery'],
        [4, 'dropped', 'sendmail.badLine'],
        [5, 'dropped', 'sendmail.badLine'],
      ],
    );
  });

  test('SMART_HOST is the route of all the rest', () => {
    const smart = (value: string): SiteRoutes =>
      smartHostRoutes({ value, place: { file: 'sendmail.mc', line: 7 } }, PORTS);
    assert.deepEqual(smart('relay:[mx.peer.test]').routes, [{ domains: ['*'], to: 'mx.peer.test:2600' }]);
    assert.deepEqual(smart('hub.example.net').routes, [{ domains: ['*'], to: 'mx:hub.example.net:2600' }]);
    assert.deepEqual(smart('esmtp:[hub]').routes, [{ domains: ['*'], to: 'hub:25' }]);
    assert.equal(smart('uucp-dom:hub').findings[0]?.line, 7);
    assert.deepEqual(smartHostRoutes(undefined, PORTS), { routes: [], findings: [] });
  });
});
