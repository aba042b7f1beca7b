/**
 * Runs all unit, property, dialogue, simulation and fence tests in one process of node:test: `npm run unit [-- FILTER]`.
 * Tests against real peers (test/peers) are run by tools/peers.ts.
 */
import { globSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const filter = process.argv[2] ?? '';
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts'])
  .filter((file) => !file.startsWith('test/peers/') && file.includes(filter))
  .toSorted();
if (files.length === 0) {
  console.error(`no test file has "${filter}" in its path`);
  process.exit(2);
}
const run = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-isolation=none',
    '--test-reporter=dot',
    '--test-reporter-destination=stderr',
    '--test-reporter=./tools/summary.ts',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);
