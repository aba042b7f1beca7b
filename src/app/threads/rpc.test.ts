import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { remote, serve, transfer, type Methods } from './rpc.ts';

interface Thing {
  add(a: number, b: number): Promise<number>;
  fail(detail: string): Promise<never>;
  crash(): Promise<void>;
  keep(bytes: Uint8Array): Promise<number>;
  make(size: number): Promise<Uint8Array>;
  odd(): Promise<unknown>;
  note(text: string): void;
}

const methods: Methods<Thing> = {
  add: { kind: 'call' },
  fail: { kind: 'call' },
  crash: { kind: 'call' },
  keep: { kind: 'call', give: ([bytes], transfers) => transfer(bytes, transfers) },
  make: { kind: 'call', giveBack: (bytes, transfers) => transfer(bytes, transfers) },
  odd: { kind: 'call' },
  note: { kind: 'tell' },
};

class RealThing implements Thing {
  readonly notes: string[] = [];
  readonly kept: Uint8Array[] = [];

  async add(a: number, b: number): Promise<number> {
    return a + b;
  }

  async fail(detail: string): Promise<never> {
    throw new Fault(statuses['storage-full'], detail, new Error('cause'));
  }

  async crash(): Promise<void> {
    throw new TypeError('not a fault');
  }

  async keep(bytes: Uint8Array): Promise<number> {
    this.kept.push(bytes);
    return bytes.length;
  }

  async make(size: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(size).fill(7);
    this.kept.push(bytes);
    return bytes;
  }

  async odd(): Promise<unknown> {
    return () => 'a function cannot cross';
  }

  note(text: string): void {
    this.notes.push(text);
  }
}

interface Rig extends Disposable {
  readonly here: Thing;
  readonly there: RealThing;
  /** Messages that went, by direction. */
  readonly messages: { calls: number; answers: number };
  readonly port: MessagePort;
}

function rig(): Rig {
  const { port1, port2 } = new MessageChannel();
  const messages = { calls: 0, answers: 0 };
  const there = new RealThing();
  const here = remote<Thing>(port1, methods);
  serve<Thing>(port2, there, methods);
  port1.on('message', () => (messages.answers += 1));
  port2.on('message', () => (messages.calls += 1));
  return { here, there, messages, port: port2, [Symbol.dispose]: () => port1.close() };
}

describe('calls between threads', () => {
  test('calls of one turn travel as one message, their answers as one, each to its caller', async () => {
    using r = rig();
    const sums = await Promise.all([1, 2, 3, 4].map((n) => r.here.add(n, 10)));
    assert.deepEqual(sums, [11, 12, 13, 14]);
    assert.deepEqual(r.messages, { calls: 1, answers: 1 });
    await r.here.add(1, 1);
    assert.deepEqual(r.messages, { calls: 2, answers: 2 });
  });

  test('a Fault keeps status and detail; anything else becomes a local error', async () => {
    using r = rig();
    const results = await Promise.allSettled([r.here.fail('disk /x'), r.here.crash(), r.here.add(1, 2)]);
    const faults = results.map((result) => (result.status === 'rejected' ? (result.reason as Fault) : result.value));
    assert.ok(faults[0] instanceof Fault && faults[1] instanceof Fault);
    assert.equal(faults[0].status, statuses['storage-full']);
    assert.equal(faults[0].detail, 'disk /x');
    assert.equal(faults[1].status, statuses['local-error']);
    assert.match(faults[1].detail, /not a fault/);
    assert.equal(faults[2], 3);
  });

  test('buffers are moved when they are all of it, copied when they are a part', async () => {
    using r = rig();
    const whole = new Uint8Array(5_000).fill(1);
    const part = new Uint8Array(5_000).fill(2).subarray(10, 20);
    assert.deepEqual(
      await Promise.all([r.here.keep(whole), r.here.keep(part), r.here.keep(new Uint8Array(0))]),
      [5_000, 10, 0],
    );
    assert.equal(whole.byteLength, 0, 'gone from here');
    assert.deepEqual(
      [...part],
      Array.from({ length: 10 }, () => 2),
      'still here',
    );
    assert.deepEqual(
      [...(r.there.kept[1] ?? [])],
      Array.from({ length: 10 }, () => 2),
    );
    const made = await r.here.make(300);
    assert.deepEqual([made.length, made[0], r.there.kept[3]?.byteLength], [300, 7, 0]);
  });

  test('one call that cannot cross does not stop those beside it', async () => {
    using r = rig();
    const twice = new Uint8Array(10);
    const bad = (() => 'no clone') as unknown as number;
    const results = await Promise.allSettled([
      r.here.add(1, 2),
      r.here.add(bad, 1),
      r.here.odd(),
      r.here.keep(twice),
      r.here.keep(twice),
    ]);
    assert.deepEqual(
      results
        .slice(0, 3)
        .map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Fault).status.key)),
      [3, 'local-error', 'local-error'],
    );
  });

  test('a tell is not answered', async () => {
    using r = rig();
    assert.equal(r.here.note('a'), undefined);
    r.here.note('b');
    await r.here.add(1, 1);
    assert.deepEqual(r.there.notes, ['a', 'b']);
    assert.deepEqual(r.messages, { calls: 1, answers: 1 });
  });

  test('when the other side goes, open and later calls are refused', async () => {
    using r = rig();
    await r.here.add(1, 1);
    const open = r.here.add(2, 2);
    r.port.close();
    await assert.rejects(open, Fault);
    await assert.rejects(r.here.add(3, 3), /gone/);
    r.here.note('to nobody');
  });
});
