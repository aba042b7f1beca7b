import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CertificateListing } from '../admin/certificates.ts';
import { parseConfig } from '../config/load.ts';
import { type ControlHandler, serveControl } from '../platform/process/control.ts';
import { CliError, type ExitName } from './exit.ts';
import { en } from './messages/en.ts';
import { reach } from './reach.ts';

async function inDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'reach-'));
  try {
    await act(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A data directory whose relay answers with `handle`. */
function running(
  handle: ControlHandler,
  act: (directory: string) => Promise<void>,
  socket = 'control.sock',
): Promise<void> {
  return inDirectory(async (directory) => {
    writeFileSync(join(directory, 'sealpost.yaml'), `hostname: a.example\ncontrol: {socket: ${socket}}\n`);
    const server = await serveControl(join(directory, socket), handle);
    try {
      await act(directory);
    } finally {
      await server.close();
    }
  });
}

const silent = (): void => {};
const relay = reach(en, silent);
const ends = (exit: ExitName, pattern: RegExp) => (error: unknown) =>
  error instanceof CliError && error.exit === exit && pattern.test(error.message);

describe('a relay that runs', () => {
  test('answers', () =>
    running(
      (operation, input) => Promise.resolve({ operation, input }),
      async (directory) =>
        assert.deepEqual(await relay.operate(directory, 'queue.list', { limit: 1 }), {
          operation: 'queue.list',
          input: { limit: 1 },
        }),
    ));

  test('answers on a socket of its own, too', () =>
    running(
      () => Promise.resolve('here'),
      async (directory) => assert.equal(await relay.operate(directory, 'status', {}), 'here'),
      'other.sock',
    ));

  const refusals: readonly (readonly [kind: string, exit: ExitName])[] = [
    ['usage', 'usage'],
    ['not-found', 'notFound'],
    ['conflict', 'conflict'],
    ['configuration', 'configuration'],
    ['failed', 'failed'],
    ['toString', 'failed'],
  ];
  for (const [kind, exit] of refusals) {
    test(`refuses with ${kind}`, () =>
      running(
        () => Promise.reject(Object.assign(new Error('no'), { kind, hint: 'do this' })),
        (directory) => assert.rejects(relay.operate(directory, 'x', {}), ends(exit, /^no; do this$/)),
      ));
  }

  test('goes away before it answers: unavailable, and never tried on the files', () =>
    inDirectory(async (directory) => {
      writeFileSync(join(directory, 'sealpost.yaml'), 'hostname: a.example\n');
      const server = createServer((socket) => socket.once('data', () => socket.destroy()));
      await new Promise<void>((resolve) => server.listen(join(directory, 'control.sock'), resolve));
      await assert.rejects(relay.operate(directory, 'status', {}), ends('unavailable', /did not answer/));
      await new Promise((resolve) => server.close(resolve));
      assert.deepEqual(readdirSync(directory), ['sealpost.yaml']);
    }));
});

describe('what is missing or wrong', () => {
  test('no directory', async () => {
    await assert.rejects(
      relay.operate('/nowhere', 'status', {}),
      ends('configuration', /no data directory \/nowhere.*sealpost init/),
    );
    await assert.rejects(
      relay.serve('/nowhere', { create: false, passphrase: undefined }),
      ends('configuration', /no data directory/),
    );
  });

  test('mistakes in the configuration, all of them', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'sealpost.yaml');
      writeFileSync(file, 'hostname: a.example\nlimits:\n  hops: many\n  errors: 0\n');
      const expected = ends('configuration', new RegExp(`mistakes:\\n${file}:3:9: .*\\n${file}:4:11: `));
      await assert.rejects(relay.operate(directory, 'status', {}), expected);
      await assert.rejects(relay.serve(directory, { create: true, passphrase: undefined }), expected);
    }));
});

describe('creation', () => {
  test('makes a directory for its owner alone, on which operations work; a second time is a conflict', () =>
    inDirectory(async (parent) => {
      const directory = join(parent, 'data');
      const created = await relay.create(directory, 'relay.example.net');
      assert.deepEqual(created, {
        directory,
        hostname: 'relay.example.net',
        config: join(directory, 'sealpost.yaml'),
        rootCertificate: join(directory, 'ca/root.crt'),
      });
      assert.equal(statSync(directory).mode & 0o777, 0o700);
      assert.equal(parseConfig(readFileSync(created.config, 'utf8'), 'x').config?.hostname, 'relay.example.net');
      assert.match(readFileSync(created.rootCertificate, 'utf8'), /BEGIN CERTIFICATE/);
      assert.equal(statSync(join(directory, 'tls/server.key')).mode & 0o777, 0o600);
      const list = (await relay.operate(directory, 'certificate.list', {})) as CertificateListing;
      assert.deepEqual(
        list.certificates.map(({ holder }) => holder),
        ['relay.example.net'],
      );
      await assert.rejects(
        relay.operate(directory, 'certificate.show', { name: 'nobody' }),
        ends('notFound', /no certificate/),
      );
      const before = readFileSync(created.config, 'utf8');
      await assert.rejects(
        relay.create(directory, 'other.example.net'),
        ends('conflict', /already; nothing was changed/),
      );
      assert.equal(readFileSync(created.config, 'utf8'), before);
    }));

  test('a port that is taken is told in one line, and nothing goes on running', () =>
    inDirectory(async (parent) => {
      const directory = join(parent, 'data');
      const { config } = await relay.create(directory, 'relay.example.net');
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      writeFileSync(
        config,
        `hostname: relay.example.net\nlisteners: [{ name: a, address: 127.0.0.1, port: ${port} }]\nlog: { destination: log }\n`,
      );
      const umask = process.umask();
      try {
        const taken = new RegExp(`^cannot listen on a: 127\\.0\\.0\\.1:${port}: another program listens there$`);
        await assert.rejects(relay.serve(directory, { create: false, passphrase: undefined }), ends('failed', taken));
      } finally {
        process.umask(umask);
        other.close();
      }
    }));

  test('a name that is none is refused before anything is made', () =>
    inDirectory(async (parent) => {
      const directory = join(parent, 'data');
      await assert.rejects(
        relay.create(directory, 'not a name'),
        ends('usage', /hostname is "not a name"; write a host name/),
      );
      assert.equal(existsSync(directory), false);
    }));

  test('what fails halfway leaves nothing behind, and keeps what was there', () =>
    inDirectory(async (directory) => {
      mkdirSync(join(directory, 'ca'));
      writeFileSync(join(directory, 'ca', 'root.crt'), 'not ours');
      await assert.rejects(relay.create(directory, 'relay.example.net'), ends('conflict', /ca\/root\.crt is there/));
      assert.deepEqual(readdirSync(directory), ['ca']);
      assert.deepEqual(readdirSync(join(directory, 'ca')), ['root.crt']);
    }));
});
