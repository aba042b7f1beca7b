import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcmeProblem } from '../../protocol/acme/problem.ts';
import { fakeClock } from '../../../test/fakes/clock.ts';
import { seededRandom } from '../../../test/fakes/random.ts';
import { limiter } from './limits.ts';
import { nonces } from './nonce.ts';
import { mayFetchFrom } from './reach.ts';

describe('nonces', () => {
  test('each is good once, within its time, and here alone', async () => {
    const clock = fakeClock();
    const here = nonces(clock, seededRandom(1));
    const there = nonces(clock, seededRandom(2));
    const nonce = here.make();
    assert.match(nonce, /^[A-Za-z0-9_-]+$/);
    assert.equal(there.spend(nonce), false);
    assert.equal(here.spend(nonce), true);
    assert.equal(here.spend(nonce), false);
    const late = here.make();
    await clock.advance(3_600_001);
    assert.equal(here.spend(late), false);
    assert.equal(here.spend(nonce), false);
  });

  test('one that was changed, or is none', () => {
    const here = nonces(fakeClock(), seededRandom(1));
    const nonce = here.make();
    for (let at = 0; at < nonce.length; at++)
      for (const letter of ['A', 'z', '-']) {
        const other = nonce.slice(0, at) + letter + nonce.slice(at + 1);
        if (other !== nonce) assert.equal(here.spend(other), false, other);
      }
    for (const text of ['', 'x', `${nonce}A`, `${nonce}=`, nonce.slice(1)]) assert.equal(here.spend(text), false);
    assert.equal(here.spend(nonce), true);
  });

  test('asking for many pushes nobody out; spending more than are remembered makes none good again', async () => {
    const clock = fakeClock();
    const here = nonces(clock, seededRandom(1), 10);
    const mine = here.make();
    for (let count = 0; count < 10_000; count++) here.make();
    assert.equal(here.spend(mine), true);
    const spent: string[] = [mine];
    for (let count = 0; count < 50; count++) {
      await clock.advance(1);
      const next = here.make();
      assert.equal(here.spend(next), true);
      spent.push(next);
    }
    for (const nonce of spent) assert.equal(here.spend(nonce), false);
  });
});

describe('limits', () => {
  test('a burst, then one at a time; others are not touched', async () => {
    const clock = fakeClock();
    const take = limiter(clock, { burst: 3, each: 10_000 });
    for (let count = 0; count < 3; count++) take('a', 'orders');
    assert.throws(
      () => take('a', 'orders'),
      (error) => error instanceof AcmeProblem && error.problem.status === 429 && error.headers['retry-after'] === '10',
    );
    take('b', 'orders');
    await clock.advance(10_000);
    take('a', 'orders');
    assert.throws(() => take('a', 'orders'), /too many orders; try again in 10 s/);
  });

  test('a flood of strangers lets nobody through who is over the limit', () => {
    const take = limiter(fakeClock(), { burst: 1, each: 10_000 });
    for (let count = 0; count < 20_000; count++) take(`stranger-${count}`, 'requests');
    take('a', 'requests');
    assert.throws(() => take('a', 'requests'), AcmeProblem);
    assert.throws(() => take('stranger-19999', 'requests'), AcmeProblem);
  });
});

test('from where a proof is fetched', () => {
  for (const address of ['203.0.114.7', '10.1.2.3', '192.168.0.9', '100.64.0.1', 'fd12:3456::1', '2606:4700::1111'])
    assert.equal(mayFetchFrom(address, []), true, address);
  for (const address of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '0.0.0.0',
    '::',
    '169.254.169.254',
    'fe80::1',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'example.net',
    '',
  ])
    assert.equal(mayFetchFrom(address, []), false, address);
  const networks = ['192.0.2.0/24', '127.0.0.1', '2001:db8::/32'];
  for (const address of ['192.0.2.9', '127.0.0.1', '2001:db8::5', '::ffff:192.0.2.9'])
    assert.equal(mayFetchFrom(address, networks), true, address);
  for (const address of ['127.0.0.2', '10.1.2.3', '203.0.114.7', '::1'])
    assert.equal(mayFetchFrom(address, networks), false, address);
});
