/**
 * The measured cases of Sendmail 8.17, each against a running relay that was started on the case's own directory: real
 * sessions, real TLS, real next hops; and the real Sendmail beside it. The cases and the driver are not part of this repository: SEALPOST_SENDMAIL_CASES
 * gives the file of the cases, and the driver lies beside it. What may differ is listed in docs/reference/sendmail.md.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { rootMissing, run } from './program.ts';

/** How many are run side by side, each in network namespaces of its own. */
const WORKERS = 2;
const PATIENCE = 900_000;
/** Differences that the documentation may name. */
const MOST_DIFFERENCES = 5;

const path = process.env['SEALPOST_SENDMAIL_CASES'];
const program = resolve(import.meta.dirname, '../../sealpost');

interface Cases {
  readonly cases: readonly { readonly id: string }[];
}

interface Judged {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly output: string;
}

const skip = path === undefined ? 'SEALPOST_SENDMAIL_CASES is not set' : rootMissing();

describe('a relay in the place of Sendmail', { skip, concurrency: false }, () => {
  const ids = path === undefined ? [] : (JSON.parse(readFileSync(path, 'utf8')) as Cases).cases.map(({ id }) => id);
  const differences = documentedDifferences();

  test('answers every measured case as Sendmail did, but for what is documented', { timeout: PATIENCE }, async (t) => {
    assert.ok(differences.size <= MOST_DIFFERENCES, `${differences.size} differences are documented`);
    const shares = Array.from({ length: WORKERS }, (_, number) => ids.filter((_id, at) => at % WORKERS === number));
    const judged = await Promise.all(shares.map((share) => drive(share, [])));
    const passed = judged.flatMap((each) => each.passed);
    const failed = judged.flatMap((each) => each.failed);
    t.diagnostic(`${passed.length} cases agree; ${failed.join(' ')} do not`);
    const output = judged.map((each) => each.output).join('\n');
    const unexplained = failed.filter((id) => !differences.has(id));
    assert.deepEqual(unexplained, [], output);
    assert.equal(passed.length + failed.length, ids.length, output);
    // What is documented as a difference and is none would be a lie, too.
    assert.deepEqual(
      [...differences.keys()].filter((id) => ids.includes(id) && passed.includes(id)),
      [],
    );
  });

  test('and with its switches also what is documented', { timeout: PATIENCE }, async () => {
    const switched = [...differences].filter(([id, compat]) => compat !== undefined && ids.includes(id));
    if (switched.length === 0) return;
    const compat = [...new Set(switched.map(([, name]) => name as string))];
    const { failed, output } = await drive(
      switched.map(([id]) => id),
      ['--compat', compat.join(',')],
    );
    assert.deepEqual(failed, [], output);
  });
});

const root = process.env['SEALPOST_SENDMAIL_ROOT'];
const unpacked = path === undefined || root === undefined ? 'SEALPOST_SENDMAIL_ROOT is not set' : rootMissing();

describe('the real Sendmail', { skip: unpacked }, () => {
  test('still answers here as it was measured', { timeout: PATIENCE }, async () => {
    const { output } = await run(
      'python3',
      [
        join(dirname(path as string), 'rig.py'),
        'verify',
        ['--cases', path as string],
        ['--only', '^(seed-|issuer-subject-relay|cert-|to-|class-|relay-denied)'],
        ['-j', '1'],
      ],
      { env: { ORACLE_ROOT: root as string }, patience: PATIENCE },
    );
    assert.match(output, /^[1-9]\d* passed, 0 failed$/m, output);
  });
});

/** Runs these cases; in the output of the driver each has a line `ok ID` or `FAIL ID`. */
async function drive(ids: readonly string[], options: readonly string[]): Promise<Judged> {
  const work = mkdtempSync(join(tmpdir(), 'sealpost-rig-'));
  try {
    const command = [program, 'start', '--sendmail', '{dir}', '--resolver', '127.0.0.1:{dns}', ...options];
    const { output } = await run(
      'python3',
      [
        join(dirname(path as string), 'rig.py'),
        'against',
        ['--cases', path as string],
        ['--cmd', command.join(' ')],
        ['--work', work],
        ['--only', `^(${ids.map((id) => id.replaceAll(/[.+]/g, '\\$&')).join('|')})$`],
        '--private',
        ['--level', 'esc'],
      ],
      { patience: PATIENCE },
    );
    const named = (word: string): string[] =>
      [...output.matchAll(new RegExp(`^${word} +([a-zA-Z0-9-]+)$`, 'gm'))].map(([, id]) => id as string);
    return { passed: named('ok'), failed: named('FAIL'), output };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Case ids of the table "Measured cases that differ", with the switch that restores Sendmail's way where there is one. */
function documentedDifferences(): Map<string, string | undefined> {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/reference/sendmail.md'), 'utf8');
  const table = text.split('## Measured cases that differ')[1]?.split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| `([a-z0-9-]+)` \|.*\| (?:`([a-z-]+)`|[^`|]*) \|$/gim)];
  return new Map(rows.map(([, id, compat]) => [id as string, compat]));
}
