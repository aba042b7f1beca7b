/**
 * Creates a data directory. One process at a time, and the configuration comes last: a directory that has one is whole.
 * What a creation that failed, or was killed, has left is removed; what was there before is never touched.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname as machineName } from 'node:os';
import { join } from 'node:path';
import type { ContextParts, OwnedContext } from '../app/compose.ts';
import type { CreatedDirectory, CreateChoices } from './context.ts';
import { CliError, asCliError } from './exit.ts';
import { detailOf } from './files.ts';
import type { MessageKey } from './messages/en.ts';

const CONFIG_FILE = 'sealpost.yaml';
const LOCK_FILE = 'init.lock';

type Say = (key: MessageKey, values: Readonly<Record<string, string | number>>) => string;

/** What comes before the authority is made, and makes it: then only what is missing is added. */
export interface Prepare {
  act(context: OwnedContext): Promise<void>;
  readonly passphrase: NonNullable<ContextParts['passphrase']>;
}

/** Rejects with a CliError: `conflict` when there is a configuration or another process is creating one. */
export async function createDirectory(
  directory: string,
  wanted: string | undefined,
  choices: CreateChoices,
  say: Say,
  prepare?: Prepare,
): Promise<CreatedDirectory> {
  const config = join(directory, CONFIG_FILE);
  if (existsSync(config)) throw new CliError('conflict', say('error.initialised', { directory }));
  const hostname = wanted ?? usualHostname();
  const [{ defaultsFile }, { parseConfig, formatProblem }] = await Promise.all([
    import('../config/defaults.ts'),
    import('../config/load.ts'),
  ]);
  const text = defaultsFile(hostname);
  const { config: parsed, problems } = parseConfig(text, '--hostname');
  if (parsed === undefined) throw new CliError('usage', problems.map(formatProblem).join('\n'));
  const before = lock(directory, say);
  try {
    const [{ offlineContext }, { initialise }] = await Promise.all([
      import('../app/compose.ts'),
      import('../admin/certificates.ts'),
    ]);
    const passphrase = prepare?.passphrase;
    const context = await offlineContext(directory, {
      config: parsed,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    try {
      await prepare?.act(context);
      // Clients on this machine, and those behind a tunnel, say localhost.
      await initialise(context, { ...choices, hostname, names: ['localhost'] });
    } finally {
      await context.close();
    }
    putConfig(config, text, say);
  } catch (error) {
    undo(directory, before);
    throw asCliError(error);
  }
  rmSync(join(directory, LOCK_FILE), { force: true });
  return { directory, hostname, config, rootCertificate: join(directory, 'ca', 'root.crt') };
}

/** What was in the directory before; null: it was not there. */
type Before = readonly string[] | null;

/** Makes the directory and takes the lock in it. A lock whose process is gone tells what that process left half done. */
function lock(directory: string, say: Say): Before {
  const path = join(directory, LOCK_FILE);
  let before: Before = existsSync(directory) ? readdirSync(directory).filter((name) => name !== LOCK_FILE) : null;
  while (!tryLock(directory, path, before, say)) {
    const left = readLock(path);
    if (left === undefined) continue; // whoever had it has just finished
    if (isRunning(left.pid))
      throw new CliError('conflict', say('error.initialising', { directory, pid: left.pid, lock: path }));
    removeNew(directory, [...(left.before ?? []), LOCK_FILE]);
    before = left.before ?? [];
    rmSync(path, { force: true });
  }
  if (existsSync(join(directory, CONFIG_FILE))) {
    rmSync(path, { force: true });
    throw new CliError('conflict', say('error.initialised', { directory }));
  }
  return before;
}

/** False when another process has it. Linked into place, so that it is never seen without its content. */
function tryLock(directory: string, path: string, before: Before, say: Say): boolean {
  const beside = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(beside, JSON.stringify({ pid: process.pid, before }), { mode: 0o600 });
    linkSync(beside, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new CliError('failed', say('error.writeFile', { path, detail: detailOf(error) }), error);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Undefined when it is gone. */
function readLock(path: string): { readonly pid: number; readonly before: Before } | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; before: Before };
  } catch (error) {
    if (!existsSync(path)) return undefined;
    throw new CliError('conflict', `${path}: ${detailOf(error)}`, error);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Written beside, synced, and then given its name, if nobody has taken it. */
function putConfig(path: string, text: string, say: Say): void {
  const beside = `${path}.new`;
  try {
    rmSync(beside, { force: true });
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    linkSync(beside, path);
    rmSync(beside);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new CliError('failed', say('error.writeFile', { path, detail: detailOf(error) }), error);
  }
}

/** Removes what a failed creation left. */
function undo(directory: string, before: Before): void {
  if (before === null) rmSync(directory, { recursive: true, force: true });
  else removeNew(directory, before);
}

function removeNew(directory: string, before: readonly string[]): void {
  for (const name of readdirSync(directory))
    if (!before.includes(name)) rmSync(join(directory, name), { recursive: true, force: true });
}

/** The machine's name when it is a full one: a certificate for half a name would help nobody. */
function usualHostname(): string {
  const name = machineName().toLowerCase();
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(name) ? name : 'localhost';
}
