/** `npm run check`: format, lint, types, dead code, generated documents, tests; all of them, then one verdict. */
import { spawnSync } from 'node:child_process';

const steps: readonly (readonly [string, readonly string[]])[] = [
  ['format', ['oxfmt', '--check']],
  ['lint', ['oxlint']],
  ['types', ['tsc', '--noEmit']],
  ['dead code', ['knip', '--no-progress']],
  ['documents', ['node', 'tools/docs.ts', '--check']],
  ['rfc', ['node', 'tools/rfc.ts', '--check']],
  ['tests', ['node', 'tools/unit.ts']],
];

const failed = [];
for (const [name, [command, ...args]] of steps) {
  console.log(`\n== ${name}`);
  if (spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' }).status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\ncheck failed: ${failed.join(', ')}`);
  process.exit(1);
}
console.log('\ncheck passed');
