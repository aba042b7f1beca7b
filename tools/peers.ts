/**
 * `npm run peers`: the tests against real programs (test/peers), each file in a process of its own, two at a time: much of
 * what they do is to wait.
 * With SEALPOST_PEERS=required (CI) a missing program fails the run instead of skipping its test.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const filter = process.argv[2] ?? '';
const files = globSync('test/peers/**/*.test.ts')
  .filter((file) => file.includes(filter))
  .toSorted();
const run = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    '--test-reporter-destination=stderr',
    '--test-reporter=./tools/summary.ts',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
