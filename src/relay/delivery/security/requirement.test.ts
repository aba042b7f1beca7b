import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { routeTable } from '../route.ts';
import type { RouteSettings } from '../settings.ts';
import { local } from './local.ts';
import { strictest, type TlsRequirement } from './requirement.ts';

const CLEAR: TlsRequirement = { tls: 'none', implicit: false, authorities: undefined, fallback: false, source: 'a' };

describe('TLS requirements', () => {
  test('the strictest holds, the first among equals', () => {
    const verify: TlsRequirement = { ...CLEAR, tls: 'verify', source: 'b' };
    assert.equal(strictest([CLEAR, verify, { ...verify, source: 'c' }]), verify);
    assert.equal(strictest([verify, CLEAR]), verify);
    assert.equal(strictest([]).tls, 'none');
  });

  test('of a route: implicit TLS is never less than required, fallback only where TLS is a matter of luck', () => {
    const demand = (changes: Partial<RouteSettings>): TlsRequirement => {
      const table = routeTable([
        {
          domains: ['*'],
          to: 'h:1',
          tls: 'opportunistic',
          implicit: false,
          identity: undefined,
          authorities: undefined,
          ...changes,
        },
      ]);
      return local.demand({ host: 'h', address: undefined, port: 1, domain: 'd' }, table.find('d')) as TlsRequirement;
    };
    assert.equal(demand({ implicit: true }).tls, 'required');
    assert.equal(demand({ implicit: true, tls: 'verify' }).tls, 'verify');
    assert.equal(demand({}).fallback, false);
    assert.equal(demand({ tlsFallback: true }).fallback, true);
    assert.equal(demand({ tlsFallback: true, tls: 'required' }).fallback, false);
    assert.equal(demand({ tlsFallback: true, implicit: true }).fallback, false);
  });
});
