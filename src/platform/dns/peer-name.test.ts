import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeClock } from '../../../test/fakes/clock.ts';
import { fakeResolver } from '../../../test/fakes/resolver.ts';
import type { Resolver } from '../../relay/delivery/resolver.ts';
import { peerNames } from './peer-name.ts';

const ZONE = {
  names: {
    '192.0.2.1': ['good.example'],
    '192.0.2.2': ['liar.example'],
    '192.0.2.3': ['lost.example'],
    '192.0.2.4': 'temporary',
    '192.0.2.5': ['shaky.example'],
    '2001:db8::1': ['six.example'],
  },
  addresses: {
    'good.example': ['192.0.2.9', '192.0.2.1'],
    'liar.example': ['198.51.100.1'],
    'shaky.example': 'temporary',
    'six.example': ['2001:0db8:0::1'],
  },
} as const;

describe('names of peers', () => {
  test('ok, forged, none and temporary as Sendmail has them', async () => {
    const names = peerNames(fakeResolver(ZONE), fakeClock());
    assert.deepEqual(await names('192.0.2.1'), { state: 'ok', name: 'good.example' });
    assert.deepEqual(await names('2001:db8::1'), { state: 'ok', name: 'six.example' }, 'however the address is spelt');
    assert.deepEqual(await names('192.0.2.2'), { state: 'forged', name: 'liar.example' });
    assert.deepEqual(
      await names('192.0.2.3'),
      { state: 'forged', name: 'lost.example' },
      'a name without any address confirms nothing',
    );
    assert.deepEqual(await names('192.0.2.4'), { state: 'temporary', name: undefined });
    assert.deepEqual(await names('192.0.2.5'), { state: 'temporary', name: 'shaky.example' });
    assert.deepEqual(await names('192.0.2.6'), { state: 'none', name: undefined });
  });

  test('loopback is localhost, and nobody is asked', async () => {
    const resolver = fakeResolver();
    const names = peerNames(resolver, fakeClock());
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
      assert.deepEqual(await names(address), { state: 'ok', name: 'localhost' });
    assert.deepEqual(resolver.asked, []);
  });

  test('answers are kept for a minute and questions joined; trouble is not kept', async () => {
    const resolver = fakeResolver(ZONE);
    const clock = fakeClock();
    const names = peerNames(resolver, clock);
    await Promise.all([names('192.0.2.1'), names('192.0.2.1')]);
    await names('192.0.2.1');
    assert.deepEqual(resolver.asked, ['reverse 192.0.2.1', 'addresses good.example']);
    await clock.advance(59_999);
    await names('192.0.2.1');
    assert.equal(resolver.asked.length, 2);
    await clock.advance(1);
    await names('192.0.2.1');
    assert.equal(resolver.asked.length, 4);
    resolver.asked.length = 0;
    await names('192.0.2.4');
    await names('192.0.2.4');
    assert.equal(resolver.asked.length, 2);
  });

  test('the table does not grow without end', async () => {
    const resolver = fakeResolver();
    const names = peerNames(resolver, fakeClock());
    for (let i = 0; i < 1_200; i++) await names(`10.0.${i >> 8}.${i & 255}`);
    resolver.asked.length = 0;
    await names('10.0.0.0');
    await names('10.0.4.175');
    assert.deepEqual(resolver.asked, ['reverse 10.0.0.0'], 'the oldest had to go, the newest is there');
  });

  test('after five seconds it is temporary', async () => {
    const clock = fakeClock();
    const never: Resolver = {
      mx: () => new Promise(() => {}),
      addresses: () => new Promise(() => {}),
      reverse: () => new Promise(() => {}),
    };
    let answer: unknown;
    void peerNames(never, clock)('192.0.2.1').then((name) => (answer = name));
    await clock.advance(4_999);
    assert.equal(answer, undefined);
    await clock.advance(1);
    assert.deepEqual(answer, { state: 'temporary', name: undefined });
  });
});
