/** The units of docs/guide, as systemd reads them, and the signer behind a socket that systemd's own program holds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeRequest } from './authority.ts';
import { missing, mustRun, rootMissing, run } from './program.ts';
import { HOSTNAME, SEALPOST, until } from './relay.ts';

const guide = fileURLToPath(new URL('../../docs/guide', import.meta.url));
const UNITS = ['sealpost.service', 'sealpost-signer.socket', 'sealpost-signer@.service'];
/** A user that nobody has a name for. */
const SIGNER = 61_003;

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-units-'));
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function unit(name: string): string {
  return readFileSync(join(guide, name), 'utf8');
}

describe('the units', { skip: missing('systemd-analyze') }, () => {
  test('have no mistake that systemd sees, and it does see one', async () => {
    await inFolder(async (folder) => {
      // The code is not in /opt here.
      for (const name of UNITS)
        writeFileSync(join(folder, name), unit(name).replaceAll('/opt/sealpost', dirname(SEALPOST)));
      const paths = UNITS.map((name) => join(folder, name));
      const { code, output } = await run('systemd-analyze', ['verify', '--man=no', paths]);
      assert.equal(code, 0, output);
      assert.doesNotMatch(output, /sealpost/);

      const [, , signer = ''] = paths;
      writeFileSync(signer, `${readFileSync(signer, 'utf8')}PrivateNet=yes\n`);
      assert.match(
        (await run('systemd-analyze', ['verify', '--man=no', signer])).output,
        /PrivateNet/,
        'a mistake is told',
      );
    });
  });

  test('leave the signer little to do harm with', async () => {
    await inFolder(async (folder) => {
      const file = join(folder, 'signer.service');
      writeFileSync(file, unit('sealpost-signer@.service'));
      const table = await mustRun('systemd-analyze', ['security', '--offline=true', '--threshold=10', file]);
      assert.match(table, /Overall exposure level for signer\.service: 0\.\d/);
    });
  });
});

describe(
  'a socket of systemd',
  { skip: rootMissing() || missing('systemd-socket-activate', 'setpriv', 'openssl') },
  () => {
    test('has a signer of another user for each connection, run as the unit says', { timeout: 60_000 }, async () => {
      await inFolder(async (folder) => {
        const [data, socket] = [join(folder, 'data'), join(folder, 'signer.sock')];
        await mustRun(SEALPOST, ['init', '-d', data, '--hostname', HOSTNAME]);
        for (const open of [folder, data, join(data, 'ca')]) chmodSync(open, 0o711);
        const key = join(data, 'ca/issuing.key');
        chownSync(key, SIGNER, SIGNER);
        writeFileSync(join(data, 'sealpost.yaml'), JSON.stringify({ hostname: HOSTNAME, ca: { signer: socket } }));

        const command = /^ExecStart=\S+ (.*)$/m.exec(unit('sealpost-signer@.service'))?.[1] ?? '';
        const words = command.replace('/var/lib/sealpost', data).split(' ');
        assert.equal(words.at(-1), data);
        const user = ['setpriv', `--reuid=${SIGNER}`, `--regid=${SIGNER}`, '--clear-groups'];
        const acceptor = spawn(
          'systemd-socket-activate',
          ['--inetd', '-a', '-l', socket, ...user, SEALPOST, ...words],
          {
            stdio: ['ignore', 'ignore', 'pipe'],
            env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: '' },
          },
        );
        let said = '';
        acceptor.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
        const ended = new Promise((resolve) => acceptor.once('close', resolve));
        try {
          await until('the socket is there', () => existsSync(socket));
          const { request } = await makeRequest(folder, 'ada', '/CN=ada');
          const add = ['add', 'ada@example.net', '--csr', request, '--pem', join(folder, 'ada.pem'), '-d', data];
          await mustRun(SEALPOST, add);
          await mustRun('openssl', [
            ['verify', '-CAfile', join(data, 'ca/root.crt'), '-untrusted', join(data, 'ca/issuing.crt')],
            join(folder, 'ada.pem'),
          ]);
          assert.equal(said.match(/^Spawned /gm)?.length, 1, said);
          await until('the signer ended with its connection', () => /died with code 0/.test(said));

          // Commands of root leave the key to its user, who goes on with it.
          const passphrase = join(folder, 'passphrase');
          writeFileSync(passphrase, 'seven grey geese in a row\n', { mode: 0o600 });
          const lock = `exec "$0" ca lock -d "$1" --passphrase-fd 3 3<"$2"`;
          await mustRun('sh', ['-c', lock, SEALPOST, data, passphrase]);
          assert.deepEqual([statSync(key).uid, statSync(key).mode & 0o777], [SIGNER, 0o600]);
          const locked = await run(SEALPOST, [...add, '--force']);
          assert.equal(locked.code, 1);
          assert.match(locked.output, /locked with a passphrase/);
          assert.doesNotMatch(said, /grey geese|PRIVATE/);
        } finally {
          acceptor.kill('SIGKILL');
          await ended;
        }
      });
    });
  },
);
