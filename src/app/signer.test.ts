import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { testAuthority, type TestAuthority } from '../../test/fakes/authority.ts';
import { inFolder, type Folder } from '../../test/fakes/outside.ts';
import { usualTerms } from '../ca/authority.ts';
import { makeKey } from '../ca/keys.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { systemClock } from '../platform/process/clock.ts';
import { readCall } from './signer-call.ts';
import { SharedDoor, type DoorOptions } from './signer-client.ts';
import { SignerDesk } from './signer-desk.ts';
import { utf8 } from '../base/bytes.ts';
import { encodeFrame, FrameReader, type SignerCall } from './signer-frame.ts';
import { signerArguments } from './signer-link.ts';

const linux = process.platform === 'linux' ? false : 'looks into /proc';

/** Writes the authority's files below the folder, as `init` does. */
function putAuthority(folder: Folder): TestAuthority {
  // The signer has the machine's clock.
  const authority = testAuthority({ clock: systemClock() });
  mkdirSync(join(folder.path, 'ca'), { recursive: true });
  for (const { path, bytes, mode } of authority.made.files)
    writeFileSync(join(folder.path, path), bytes, { mode: mode === 'secret' ? 0o600 : 0o644 });
  return authority;
}

/** A door that has opened, with the signer behind it. */
async function openDoor(directory: string, options: DoorOptions = {}): Promise<SharedDoor> {
  const door = new SharedDoor(directory, options);
  await door.open();
  return door;
}

/** Octal flags of open files in /proc: the last two bits are 0 for reading alone. */
function writableFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (!target.startsWith('/') || target === '/dev/null') return false;
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
    return (Number.parseInt(flags, 8) & 3) !== 0;
  });
}

/** Sockets of the process that are of a network, not of the pipe to us. */
function networkSockets(pid: number): string[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).flatMap(
    (fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
  );
  const network = ['tcp', 'tcp6', 'udp', 'udp6']
    .map((name) => readFileSync(`/proc/${pid}/net/${name}`, 'latin1'))
    .join('');
  return inodes.filter((inode) => new RegExp(` ${inode} `).test(network));
}

/** Resolves when the process is gone. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return; // no such process
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the signer process', () => {
  test('signs, cannot write or open a socket, and ends when the door is closed', { skip: linux }, async () => {
    await inFolder(async (folder) => {
      const authority = putAuthority(folder);
      let pid = 0;
      const door = await openDoor(folder.path, {
        terms: () => ({ ...usualTerms, urls: { ...usualTerms.urls, crl: ['http://mail.example.net/crl'] } }),
        onStart: (started) => (pid = started),
      });
      try {
        const { publicKey } = makeKey();
        const { certificate, chain } = await door.issue(authority.request({ publicKey }));
        assert.ok(new X509Certificate(certificate).verify(new X509Certificate(authority.made.issuing).publicKey));
        assert.deepEqual(chain, [authority.made.issuing, authority.made.root]);
        const { crl, plain } = await door.signCrl({
          number: 1,
          thisUpdate: authority.clock.now(),
          nextUpdate: authority.clock.now() + 1000,
          revoked: [],
        });
        assert.deepEqual([crl[0], plain[0]], [0x30, 0x30]);

        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        assert.ok(command.includes('--permission'));
        assert.deepEqual(
          command.filter((word) => /^--allow-(?!fs-read=)/.test(word)),
          [],
        );
        assert.deepEqual(writableFiles(pid), []);
        assert.deepEqual(networkSockets(pid), []);
        assert.equal(readFileSync(`/proc/${pid}/environ`, 'latin1'), '');

        await assert.rejects(door.issue(authority.request({ publicKey, holder: 'nobody' })), (error) => {
          assert.ok(error instanceof RequestRefused);
          assert.equal(error.message, '"nobody" is no mail address (RFC 5321 §4.1.2)');
          return true;
        });
      } finally {
        door.close();
      }
      await ended(pid);
      await assert.rejects(door.issue(authority.request()), /door .* closed/);
    });
  });

  test('its permissions forbid writing, other files, processes, threads and sockets', async () => {
    await inFolder((folder) => {
      putAuthority(folder);
      const words = signerArguments(folder.path);
      const entry = words.at(-2) ?? '';
      // The same flags, with a script in place of the signer that tries everything.
      const attempts = `
        const fs = require('node:fs'), net = require('node:net');
        const tried = (act) => { try { act(); return 'done'; } catch (error) { return error.code; } };
        const connected = new Promise((resolve) => { try { net.connect(9, '127.0.0.1').on('error', (error) => resolve(error.code)).on('connect', () => resolve('done')); } catch (error) { resolve(error.code); } });
        connected.then((connect) => console.log(JSON.stringify({
          key: tried(() => fs.readFileSync(${JSON.stringify(join(folder.path, 'ca/issuing.key'))})),
          code: tried(() => fs.readFileSync(${JSON.stringify(entry)})),
          rootKey: tried(() => fs.readFileSync(${JSON.stringify(join(folder.path, 'ca/root.key'))})),
          passwd: tried(() => fs.readFileSync('/etc/passwd')),
          write: tried(() => fs.writeFileSync(${JSON.stringify(join(folder.path, 'ca/issuing.crt'))}, 'x')),
          spawn: tried(() => require('node:child_process').spawnSync('true')),
          thread: tried(() => new (require('node:worker_threads').Worker)('0', { eval: true })),
          connect,
        })));`;
      const { stdout, stderr } = spawnSync(process.execPath, [...words.slice(0, -2), '--eval', attempts], {
        encoding: 'utf8',
        env: {},
        cwd: '/',
      });
      assert.notEqual(stdout, '', stderr);
      const denied = 'ERR_ACCESS_DENIED';
      assert.deepEqual(JSON.parse(stdout), {
        key: 'done',
        code: 'done',
        rootKey: denied,
        passwd: denied,
        write: denied,
        spawn: denied,
        thread: denied,
        connect: denied,
      });
      assert.ok(
        words.every((word) => !word.startsWith('--allow-fs-read=') || !word.includes('node_modules')),
        'no package from outside is beside the key',
      );
      assert.equal(dirname(entry), import.meta.dirname);
    });
  });

  test('ends when idle, and starts again when asked', { skip: linux }, async () => {
    await inFolder(async (folder) => {
      const authority = putAuthority(folder);
      const pids: number[] = [];
      const door = await openDoor(folder.path, { idle: 1, onStart: (pid) => pids.push(pid) });
      try {
        await ended(pids[0] ?? 0);
        const { publicKey } = makeKey();
        const both = await Promise.all([
          door.issue(authority.request({ publicKey })),
          door.issue(authority.request({ publicKey, holder: 'bob@example.net' })),
        ]);
        assert.match(new X509Certificate(both[1].certificate).subject, /bob@/);
        assert.equal(pids.length, 2);
      } finally {
        door.close();
      }
      for (const pid of pids) await ended(pid);
    });
  });

  test('a killed signer fails what was asked, and the next request starts another', { skip: linux }, async () => {
    await inFolder(async (folder) => {
      const authority = putAuthority(folder);
      const pids: number[] = [];
      const door = await openDoor(folder.path, { onStart: (pid) => pids.push(pid) });
      try {
        process.kill(pids[0] ?? 0, 'SIGSTOP');
        const asked = door.issue(authority.request({ publicKey: makeKey().publicKey }));
        process.kill(pids[0] ?? 0, 'SIGKILL');
        await assert.rejects(asked, /the signer ended \(SIGKILL\)/);
        await door.issue(authority.request({ publicKey: makeKey().publicKey }));
        assert.equal(pids.length, 2);
      } finally {
        door.close();
      }
      for (const pid of pids) await ended(pid);
    });
  });

  test('what is wrong with the files comes through the door', async () => {
    await inFolder(async (folder) => {
      await assert.rejects(openDoor(folder.path), /ca\/issuing\.key: no such file; restore it from a backup/);
    });
  });
});

describe("the authority's files", () => {
  test('a key that is missing, open to others, broken or of another CA is told with its file', async () => {
    await inFolder(async (folder) => {
      putAuthority(folder);
      const key = join(folder.path, 'ca/issuing.key');
      const load = (): Promise<unknown> =>
        new SignerDesk(folder.path, () => Date.now()).answer({ kind: 'open', terms: usualTerms });
      assert.ok(await load());
      for (const mode of [0o640, 0o604, 0o620, 0o777]) {
        chmodSync(key, mode);
        const octal = mode.toString(8);
        await assert.rejects(load, {
          message: `${key}: others than its owner may use this key (mode 0${octal}); run: chmod 600 ${key}`,
        });
      }
      chmodSync(key, 0o600);
      writeFileSync(key, 'no key');
      await assert.rejects(load, /issuing\.key: holds no private key/);
      writeFileSync(key, testAuthority().made.files.find(({ path }) => path === 'ca/issuing.key')?.bytes ?? '');
      await assert.rejects(load, /issuing key is not the key of the issuing certificate/);
      rmSync(key);
      await assert.rejects(load, /issuing\.key: no such file/);
      mkdirSync(key);
      chmodSync(key, 0o600);
      await assert.rejects(load, /issuing\.key: is a directory/);
      rmSync(key, { recursive: true });
      putAuthority(folder);
      writeFileSync(join(folder.path, 'ca/root.crt'), 'no certificate');
      await assert.rejects(load, /root\.crt: holds no certificate/);
    });
  });
});

describe('frames', () => {
  const call: SignerCall & { readonly kind: 'issue' } = {
    kind: 'issue',
    number: 1,
    request: testAuthority().request({ csr: Uint8Array.of(1, 2, 255) }),
  };

  test('cut anywhere they give the same values', () => {
    const stream = Buffer.concat([
      encodeFrame(call),
      encodeFrame({ kind: 'opened', state: 'open', sealTo: Uint8Array.of(1) }),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 6 }), (cuts) => {
        const reader = new FrameReader();
        const values: unknown[] = [];
        let at = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), stream.length]) {
          values.push(...reader.push(stream.subarray(at, cut)));
          at = cut;
        }
        assert.equal(values.length, 2);
        assert.deepEqual(readCall(values[0]), call);
      }),
    );
  });

  test('octets are octets, in a Buffer too', () => {
    const given = { ...call.request, serial: Buffer.from(call.request.serial) };
    const [value] = new FrameReader().push(encodeFrame({ kind: 'issue', number: 1, request: given }));
    assert.deepEqual(readCall(value), call);
  });

  test('too long, cut short, no UTF-8, no JSON, octets outside: an error', () => {
    const frame = (json: Uint8Array, octets: number): Uint8Array =>
      Uint8Array.of(0, 0, 0, 4 + json.length + octets, 0, 0, 0, json.length, ...json, ...new Uint8Array(octets));
    const push = (bytes: Uint8Array): unknown[] => new FrameReader().push(bytes);
    assert.throws(() => push(Uint8Array.of(0xff, 0, 0, 0)), /octets is more than/);
    assert.throws(() => push(Uint8Array.of(0, 0, 0, 1, 0xff)), /cut short/);
    assert.throws(() => push(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 1)), /cut short/);
    assert.throws(() => push(frame(Uint8Array.of(0xff), 0)), /not UTF-8/);
    assert.throws(() => push(frame(utf8('{'), 0)), SyntaxError);
    assert.deepEqual(push(frame(utf8('{"octets":[1,2]}'), 3)), [new Uint8Array(2)]);
    for (const where of ['[1,3]', '[4,0]', '[-1,1]', '[0,1.5]', '["0",1]', '[0]', '[]'])
      assert.throws(() => push(frame(utf8(`{"octets":${where}}`), 3)), /outside of itself/, where);
  });

  test('any value is a call or an error', () => {
    const near = fc.record({
      kind: fc.constantFrom('open', 'issue', 'crl', 'unlock', 'reload', 'x'),
      number: fc.anything(),
      request: fc.anything(),
      terms: fc.anything(),
      sealed: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near), (value) => {
        try {
          readCall(value);
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof TypeError), String(error));
        }
      }),
    );
  });
});
