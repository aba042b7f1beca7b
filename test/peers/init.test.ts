/** Creating a data directory, and what may come in between: another who creates it, a kill, a disk that is full. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { missing, mustRun, rootMissing, run, type Ran } from './program.ts';
import { HOSTNAME, SEALPOST } from './relay.ts';

const WHOLE = ['ca', 'content', 'sealpost.db', 'sealpost.yaml', 'tls'];

const init = (directory: string): Promise<Ran> =>
  run(SEALPOST, ['init', '-d', directory, '--hostname', HOSTNAME], { patience: 60_000 });

async function inEmpty(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-init-'));
  try {
    await act(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Both CAs belong together, their key signs, and nothing half done lies about. */
async function assertWhole(directory: string, ...more: readonly string[]): Promise<void> {
  assert.deepEqual(readdirSync(directory).toSorted(), [...WHOLE, ...more].toSorted());
  assert.deepEqual(
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.new')),
    [],
  );
  const shown = JSON.parse(await mustRun(SEALPOST, ['ca', 'show', '--json', '-d', directory])) as {
    readonly issuingKey: { readonly state: string };
  };
  assert.equal(shown.issuingKey.state, 'open');
  await mustRun(SEALPOST, ['audit', 'verify', '-d', directory]);
}

describe('creating a data directory', () => {
  test('several at once: one does it, the others say so', { timeout: 120_000 }, async () => {
    await inEmpty(async (parent) => {
      const directory = join(parent, 'data');
      const ran = await Promise.all(Array.from({ length: 5 }, () => init(directory)));
      const done = ran.filter(({ code }) => code === 0);
      assert.equal(done.length, 1, ran.map(({ output }) => output).join('\n'));
      for (const { code, output } of ran.filter((one) => one.code !== 0)) {
        assert.equal(code, 4, output);
        assert.match(output, /^sealpost: .*(?:process \d+|a configuration in .* already)/);
      }
      await assertWhole(directory);
    });
  });

  test(
    'one that was killed on its way is done again, and what was there before stays',
    { timeout: 180_000 },
    async (t) => {
      await inEmpty(async (directory) => {
        const whole = performance.now();
        mkdirSync(join(directory, 'measure'));
        await init(join(directory, 'measure'));
        const span = performance.now() - whole;
        rmSync(join(directory, 'measure'), { recursive: true });
        writeFileSync(join(directory, 'notes'), 'mine');
        let halves = 0;
        for (let at = 1; at <= 6; at++) {
          const child = spawn(SEALPOST, ['init', '-d', directory, '--hostname', HOSTNAME], { stdio: 'ignore' });
          const ended = new Promise((resolve) => child.once('close', resolve));
          await pause((span * (at + 2)) / 9);
          child.kill('SIGKILL');
          await ended;
          if (readdirSync(directory).includes('init.lock')) halves++;
          if (readdirSync(directory).includes('sealpost.yaml')) break;
        }
        t.diagnostic(`${halves} were killed half way`);
        const again = await init(directory);
        assert.ok(again.code === 0 || /already/.test(again.output), again.output);
        rmSync(join(directory, 'init.lock'), { force: true });
        await assertWhole(directory, 'notes');
      });
    },
  );

  test(
    'a full disk: the reason, and nothing is left',
    { timeout: 120_000, skip: missing('mount') || rootMissing() },
    async () => {
      await inEmpty(async (parent) => {
        const directory = join(parent, 'disk');
        mkdirSync(directory);
        for (const size of ['12k', '32k', '64k', '128k', '160k']) {
          await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]);
          try {
            const { code, output } = await init(directory);
            assert.equal(code, 1, `${size}: ${output}`);
            assert.match(output, /^sealpost: .*(?:no space|is full|disk I\/O error)/i, size);
            assert.deepEqual(readdirSync(directory), [], size);
          } finally {
            await mustRun('umount', [directory]);
          }
        }
        assert.equal((await init(directory)).code, 0);
        await assertWhole(directory);
      });
    },
  );
});
