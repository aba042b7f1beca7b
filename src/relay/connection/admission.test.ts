import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { addressKey, Admission, localCounts } from './admission.ts';

const LIMITS = { connections: 5, connectionsByAddress: 2 };

describe('admission', () => {
  it('refuses one too many from an address, and welcomes it when another has left', () => {
    const admission = new Admission();
    assert.equal(admission.enter('192.0.2.1', LIMITS), undefined);
    assert.equal(admission.enter('192.0.2.1', LIMITS), undefined);
    assert.equal(admission.enter('192.0.2.1', LIMITS), 'too-many-connections');
    assert.equal(admission.enter('192.0.2.2', LIMITS), undefined);
    admission.leave('192.0.2.1'); // the refused one
    assert.equal(admission.enter('192.0.2.1', LIMITS), 'too-many-connections');
    admission.leave('192.0.2.1');
    admission.leave('192.0.2.1');
    assert.equal(admission.enter('192.0.2.1', LIMITS), undefined);
  });

  it('refuses one too many in all', () => {
    const admission = new Admission();
    for (let i = 0; i < 5; i++) assert.equal(admission.enter(`192.0.2.${i}`, LIMITS), undefined);
    assert.equal(admission.enter('192.0.2.9', LIMITS), 'server-busy');
    assert.equal(admission.connections, 6);
  });

  it('shares counts by address between threads', () => {
    const counts = localCounts();
    const [one, other] = [new Admission(counts), new Admission(counts)];
    one.enter('192.0.2.1', LIMITS);
    other.enter('192.0.2.1', LIMITS);
    assert.equal(one.enter('192.0.2.1', LIMITS), 'too-many-connections');
    assert.equal(other.connections, 1);
  });

  it('comes back to nothing when all have left', () => {
    fc.assert(
      fc.property(fc.array(fc.ipV6()), (addresses) => {
        const counts = localCounts();
        const admission = new Admission(counts);
        for (const address of addresses) admission.enter(address, LIMITS);
        for (const address of addresses) admission.leave(address);
        assert.equal(admission.connections, 0);
        for (const address of new Set(addresses.map(addressKey))) assert.equal(counts.enter(address), 1);
      }),
    );
  });
});

describe('what counts as one address', () => {
  it('is an IPv4 address, also when written in IPv6', () => {
    assert.equal(addressKey('192.0.2.1'), '192.0.2.1');
    assert.equal(addressKey('::ffff:192.0.2.1'), '192.0.2.1');
    assert.notEqual(addressKey('192.0.2.1'), addressKey('192.0.2.2'));
  });

  it('is the /64 of an IPv6 address, however it is written', () => {
    const key = addressKey('2001:db8:0:1::1');
    for (const address of [
      '2001:db8:0:1:ffff:ffff:ffff:ffff',
      '2001:0DB8:0000:0001::',
      '2001:db8:0:1::192.0.2.1',
      '2001:db8:0:1::1%eth0',
      '2001:db8::1:0:0:0:1',
    ]) {
      assert.equal(addressKey(address), key, address);
    }
    for (const address of ['2001:db8:0:2::1', '2001:db8::1:0:0:1', '::1', '2001:db8:1::1'])
      assert.notEqual(addressKey(address), key, address);
    assert.equal(addressKey('::1'), addressKey('0:0:0:0:1::'));
    assert.equal(addressKey('1::'), '1:0:0:0::/64');
  });
});
