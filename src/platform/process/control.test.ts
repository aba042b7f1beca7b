import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { LineCutter, decodeLine, encodeLine } from './control-wire.ts';
import { systemActor } from './actor.ts';
import { type ControlHandler, ControlUnavailable, callControl, serveControl } from './control.ts';

async function served(handle: ControlHandler, act: (path: string) => Promise<void>): Promise<void> {
  await inDirectory(async (directory) => {
    const path = join(directory, 'control.sock');
    const server = await serveControl(path, handle);
    try {
      await act(path);
    } finally {
      await server.close();
    }
  });
}

async function inDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'control-'));
  try {
    await act(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Sends raw octets, ends its side, and gives all that comes back. */
function exchange(path: string, sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = '';
    const socket: Socket = connect(path, () => socket.end(sent));
    socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
  });
}

test('an operation and its answer, octets included', () =>
  served(
    (operation, input) => Promise.resolve({ operation, input, octets: new Uint8Array([0, 255]) }),
    async (path) => {
      const answer = await callControl(path, 'echo', { csr: new Uint8Array([1, 2, 3]), list: [1, 'a', null] });
      assert.deepEqual(answer, {
        kind: 'answered',
        result: {
          operation: 'echo',
          input: { csr: new Uint8Array([1, 2, 3]), list: [1, 'a', null] },
          octets: new Uint8Array([0, 255]),
        },
      });
    },
  ));

test('who asks is told with it; nobody who asks here is the relay or comes by EST', () =>
  served(
    (_operation, _input, by) => Promise.resolve(by),
    async (path) => {
      assert.deepEqual(await callControl(path, 'x', {}), { kind: 'answered', result: systemActor() });
      assert.match(systemActor(), /^cli:./);
      for (const by of ['relay', 'est:alice', 'cli:', 'cli:a b', 'cli:a\n', 7])
        assert.match(await exchange(path, `${JSON.stringify({ id: 1, operation: 'x', by })}\n`), /"cli:unknown"/);
    },
  ));

test('an operation that gives nothing gives null', () =>
  served(
    () => Promise.resolve(undefined),
    async (path) => assert.deepEqual(await callControl(path, 'x', {}), { kind: 'answered', result: null }),
  ));

test('only its user may open the socket, and the mask of the process stays', () => {
  const mask = process.umask();
  return served(
    () => Promise.resolve(1),
    (path) => {
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(process.umask(), mask);
      return Promise.resolve();
    },
  );
});

test('a refusal keeps kind and hint; another error is internal', () =>
  served(
    (operation) =>
      Promise.reject(
        operation === 'known'
          ? Object.assign(new Error('no such holder'), { kind: 'not-found', hint: 'see list' })
          : new Error('boom'),
      ),
    async (path) => {
      assert.deepEqual(await callControl(path, 'known', {}), {
        kind: 'refused',
        error: { kind: 'not-found', message: 'no such holder', hint: 'see list' },
      });
      assert.deepEqual(await callControl(path, 'other', {}), {
        kind: 'refused',
        error: { kind: 'internal', message: 'boom' },
      });
    },
  ));

test('many requests on one connection are answered in order, after its end too', () =>
  served(
    async (_operation, input) => {
      await new Promise((resolve) => setImmediate(resolve));
      return input;
    },
    async (path) => {
      const got = await exchange(
        path,
        [1, 2, 3].map((id) => encodeLine({ id, operation: 'x', input: id * 10 })).join(''),
      );
      assert.equal(got, '{"id":1,"result":10}\n{"id":2,"result":20}\n{"id":3,"result":30}\n');
    },
  ));

test('what is no request is told so', () =>
  served(
    () => Promise.resolve(1),
    async (path) => {
      assert.match(
        await exchange(path, 'hello\n'),
        /^\{"id":0,"error":\{"kind":"usage","message":"a request is one line of JSON/,
      );
      assert.match(await exchange(path, '{"id":"x"}\n'), /a request is \{/);
    },
  ));

describe('who is there already', () => {
  test('nobody: unreachable', () =>
    inDirectory(async (directory) =>
      assert.deepEqual(await callControl(join(directory, 'none.sock'), 'x', {}), { kind: 'unreachable' }),
    ));

  test('another relay answers: an error that says so', () =>
    served(
      () => Promise.resolve(1),
      (path) =>
        assert.rejects(
          serveControl(path, () => Promise.resolve(2)),
          (error) => error instanceof ControlUnavailable && /another Sealpost runs/.test(error.message),
        ),
    ));

  test('a socket that a killed process left is replaced', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'control.sock');
      await leaveSocket(path);
      assert.deepEqual(await callControl(path, 'x', {}), { kind: 'unreachable' });
      const server = await serveControl(path, () => Promise.resolve('new'));
      assert.deepEqual(await callControl(path, 'x', {}), { kind: 'answered', result: 'new' });
      await server.close();
      assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
    }));

  test('a file that is no socket is left alone', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'precious');
      writeFileSync(path, 'text');
      await assert.rejects(
        serveControl(path, () => Promise.resolve(1)),
        ControlUnavailable,
      );
      assert.ok(statSync(path).isFile());
    }));

  test('a path that is too long is said to be', () =>
    assert.rejects(
      serveControl(`/tmp/${'x'.repeat(120)}`, () => Promise.resolve(1)),
      /longer than the 107 octets.*control\.socket/,
    ));
});

test('a relay that goes away before it answers: lost, for the operation may have happened', () =>
  inDirectory(async (directory) => {
    const path = join(directory, 'control.sock');
    const server = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    assert.equal((await callControl(path, 'x', {})).kind, 'lost');
    await new Promise((resolve) => server.close(resolve));
  }));

test('close waits for what is under way', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'control.sock');
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const server = await serveControl(path, async () => {
      begin();
      await gate;
      return 'done';
    });
    const answer = callControl(path, 'x', {});
    await begun;
    const closed = server.close();
    open();
    assert.deepEqual(await answer, { kind: 'answered', result: 'done' });
    await closed;
  });
});

test('lines cut anywhere, and a limit on what has no end', () => {
  const bytes = Buffer.from('{"a":"é"}\n\n{"b":1}\nrest');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const cutter = new LineCutter();
    assert.deepEqual(
      [...(cutter.take(bytes.subarray(0, cut)) ?? []), ...(cutter.take(bytes.subarray(cut)) ?? [])],
      ['{"a":"é"}', '', '{"b":1}'],
    );
  }
  const small = new LineCutter(4);
  assert.deepEqual(small.take(Buffer.from('abcd')), []);
  assert.equal(small.take(Buffer.from('e')), undefined);
});

test('octets come back as they went, in any depth', () => {
  const value = { id: 1, operation: 'x', input: { deep: [{ octets: new Uint8Array([200, 0]) }], text: '$bytes' } };
  assert.deepEqual(decodeLine(encodeLine(value)), value);
});

/** Leaves a socket file behind that nobody listens on: what a killed process leaves. */
async function leaveSocket(path: string): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  spawnSync(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  assert.ok(statSync(path).isSocket());
}
