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
      'g.test error:D.S.N:550 what',
      'h.test error:5.7.0:550 5.7.9 both',
      'i.test error:unavailable:553 other',
      'j.test error:550 plain words',
      'k.test error:4.7.1:450 not now',
      'relay.test error:5.1.2:550 never asked',
    );
    assert.deepEqual(
      routes.map(({ refuse }) => refuse),
      [
        '550 5.1.2 moved away',
        '553 5.3.0 no such host',
        '553 5.3.0 go away',
        '553 5.3.0 later',
        '554 5.3.5 buildaddr: unknown mailer discard',
        '550 5.7.1 never',
        '550 5.0.0 what',
        '550 5.7.9 both',
        '553 5.0.0 other',
        '550 5.0.0 plain words',
        '450 4.7.1 not now',
      ],
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
    assert.deepEqual(smart('relay:[a.test]:b.test:[IPv6:2001:db8::1]').routes, [
      { domains: ['*'], to: 'a.test:2600', otherwise: ['mx:b.test:2600', '[2001:db8::1]:2600'] },
    ]);
    assert.deepEqual(smart('esmtp:[hub]').routes, [{ domains: ['*'], to: 'hub:25' }]);
    assert.equal(smart('uucp-dom:hub').findings[0]?.line, 7);
    assert.deepEqual(smartHostRoutes(undefined, PORTS), { routes: [], findings: [] });
  });
});
