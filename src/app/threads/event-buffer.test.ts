import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import type { EventPeer, RelayEvent } from '../../base/event.ts';
import { fakeClock } from '../../../test/fakes/clock.ts';
import { eventMethods, type TimedEvent } from './contracts.ts';
import { eventBuffer } from './event-buffer.ts';
import { serve } from './rpc.ts';

const peer: EventPeer = {
  session: 'S',
  address: '192.0.2.1',
  client: '[192.0.2.1]',
  verify: 'OK',
  holder: undefined,
  serial: undefined,
};
const connected: RelayEvent = { kind: 'connected', peer, listener: 'relay' };
const issued = (serial: string): RelayEvent => ({
  kind: 'issued',
  serial,
  holder: 'alice@example.net',
  profile: 'person',
  subject: '/CN=alice',
  notAfter: 0,
});

/** What arrives when `events` are told one millisecond apart. */
async function arriving(level: 'debug' | 'error', events: readonly RelayEvent[]): Promise<TimedEvent[][]> {
  const { port1, port2 } = new MessageChannel();
  const groups: TimedEvent[][] = [];
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  const tell = (list: readonly TimedEvent[]): void => {
    groups.push([...list]);
    resolve();
  };
  serve(port2, { tell }, eventMethods);
  const clock = fakeClock(1_000);
  const buffer = eventBuffer(port1, clock, () => level);
  for (const event of events) {
    buffer.tell(event);
    await clock.advance(1);
  }
  await clock.advance(100);
  await arrived;
  port1.close();
  return groups;
}

test('events of a span travel together, each with its own time', async () => {
  assert.deepEqual(await arriving('debug', [issued('1'), connected, issued('2')]), [
    [
      [1_000, issued('1')],
      [1_001, connected],
      [1_002, issued('2')],
    ],
  ]);
});

test('a log that tells only errors does not stop events from being counted', async () => {
  assert.deepEqual(await arriving('error', [connected, issued('1')]), [[[1_001, issued('1')]]]);
});
