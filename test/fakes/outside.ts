import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For the `skip` of a test that asks a program from outside: false when it is installed, else the reason. */
export function missing(program: string): string | false {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
  return found ? false : `${program} is not installed`;
}

export interface Ran {
  readonly code: number | null;
  /** Standard output and error output, one after the other. */
  readonly text: string;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: { readonly cwd?: string } = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 30_000, ...options });
  if (error !== undefined) throw error;
  return { code: status, text: stdout + stderr };
}

export interface Folder {
  readonly path: string;
  /** Writes a file and gives its path. */
  readonly put: (name: string, content: string | Uint8Array) => string;
}

/** Runs `act` with a new directory, removed afterwards. */
export async function inFolder<T>(act: (folder: Folder) => T | Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'sealpost-test-'));
  try {
    return await act({
      path,
      put(name, content) {
        writeFileSync(join(path, name), content, { mode: 0o600 });
        return join(path, name);
      },
    });
  } finally {
    rmSync(path, { recursive: true });
  }
}
