// Installs what is missing before `npm start`, `npm test`, `npm run demo` and `npm run bench`.
// Plain JavaScript for any Node from 20 on: at this point Node 26 may not be here yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}node_modules/.sealpost-installed`;
const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
const complete =
  existsSync(stamp) && readFileSync(stamp, 'utf8') === lock && existsSync(`${root}node_modules/.bin/node`);

if (!complete) {
  console.error('Installing what Sealpost needs (once) ...');
  // Not `npm ci`: it wants lock entries for the tools' binaries of every platform, which only registries that have them
  // all can give. This installs what the lock says all the same, and leaves the lock alone.
  const options = ['--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', ['install', ...options], { cwd: root, stdio: ['ignore', 2, 2] });
  if (npm.status !== 0) {
    console.error('sealpost: npm install failed; see above. Is the registry reachable?');
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
