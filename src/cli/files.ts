/** Files that the user names: read them, write them without ruining what is there, and say what is wrong with them. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { CliContext } from './context.ts';
import { CliError } from './exit.ts';
import { fill } from './messages/choose.ts';

/** A file named on the command line. */
export function readGiven(context: CliContext, path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new CliError('failed', fill(context.messages, 'error.readFile', { path, detail: detailOf(error) }), error);
  }
}

/** Files that are to be written; each appears under its name only when it is whole. */
export interface Outputs {
  write(path: string | undefined, bytes: Uint8Array | undefined): void;
  /** Removes whatever was prepared and not written. */
  abandon(): void;
}

/** Prepares the files, readable by their owner alone. A file that is there is a conflict unless `force`, which replaces it. */
export function openOutputs(context: CliContext, paths: readonly (string | undefined)[], force: boolean): Outputs {
  const open = new Map<string, number>();
  const abandon = (): void => {
    for (const [path, descriptor] of open) {
      closeSync(descriptor);
      rmSync(partOf(path), { force: true });
    }
    open.clear();
  };
  const failed = (path: string, error: unknown): CliError =>
    new CliError('failed', fill(context.messages, 'error.writeFile', { path, detail: detailOf(error) }), error);
  for (const path of paths) {
    if (path === undefined) continue;
    if (!force && existsSync(path)) {
      abandon();
      throw new CliError('conflict', fill(context.messages, 'error.exists', { path }));
    }
    try {
      rmSync(partOf(path), { force: true });
      open.set(path, openSync(partOf(path), 'wx', 0o600));
    } catch (error) {
      abandon();
      throw failed(path, error);
    }
  }
  return {
    write(path, bytes) {
      const descriptor = path === undefined ? undefined : open.get(path);
      if (path === undefined || descriptor === undefined || bytes === undefined) return;
      try {
        writeFileSync(descriptor, bytes);
        fsyncSync(descriptor);
        renameSync(partOf(path), path);
      } catch (error) {
        throw failed(path, error);
      }
      open.delete(path);
      closeSync(descriptor);
    },
    abandon,
  };
}

function partOf(path: string): string {
  return `${path}.part`;
}

/** One line from a file descriptor; a passphrase never comes by the command line, which other users can see. */
export function readPassphrase(context: CliContext, descriptor: number): string {
  return readSecretLine(context, descriptor).toString('utf8');
}

/** The same as octets, for a process that lives on: they can be wiped, a text cannot. */
export function readSecretLine(context: CliContext, descriptor: number): Buffer {
  const bytes = Buffer.alloc(1_024);
  let length = 0;
  try {
    for (let read = 1; read > 0 && length < bytes.length && !bytes.subarray(0, length).includes(10); length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
  } catch (error) {
    throw new CliError(
      'usage',
      fill(context.messages, 'error.notAFd', { fd: descriptor, detail: detailOf(error) }),
      error,
    );
  }
  const line = bytes.subarray(0, length).includes(10)
    ? bytes.subarray(0, bytes.indexOf(10))
    : bytes.subarray(0, length);
  const secret = line.at(-1) === 13 ? line.subarray(0, -1) : line;
  if (secret.length === 0)
    throw new CliError('usage', fill(context.messages, 'error.passphraseFd', { fd: descriptor }));
  return secret;
}

export function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
