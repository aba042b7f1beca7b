/** Directories of `openssl ca` on the disk, for `ca import` and `ca export`. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TargetDirectory } from '../admin/ca-export.ts';
import type { SourceDirectory } from '../admin/ca-import.ts';
import { OperationError } from '../admin/errors.ts';

/** Larger than the database of a million certificates. */
const MAX_FILE = 512 * 1024 * 1024;

/** Throws OperationError when there is no such directory. */
export function sourceDirectory(path: string): SourceDirectory {
  if (!existsSync(path)) throw new OperationError('not-found', `${path}: no such directory`);
  return {
    path,
    read(name) {
      try {
        const bytes = readFileSync(join(path, name));
        if (bytes.length > MAX_FILE) throw new OperationError('failed', `${path}/${name}: too large`);
        return bytes;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw told(error, `${path}/${name}`);
      }
    },
    list(name) {
      try {
        return readdirSync(join(path, name));
      } catch (error) {
        if (isMissing(error)) return [];
        throw told(error, `${path}/${name}`);
      }
    },
  };
}

/** A new directory, for its owner alone. Throws OperationError `conflict` when something is there. */
export function targetDirectory(path: string): TargetDirectory {
  if (existsSync(path) && readdirSync(path).length > 0)
    throw new OperationError('conflict', `${path} is there and not empty`, 'name a new directory');
  const made = (folder: string): void => void mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const folder of ['', 'private', 'newcerts', 'certs', 'crl']) made(join(path, folder));
  chmodSync(path, 0o700);
  return {
    path,
    write(name, bytes, mode) {
      const file = join(path, name);
      made(dirname(file));
      try {
        writeFileSync(file, bytes, { mode: mode === 'secret' ? 0o600 : 0o644, flag: 'wx', flush: true });
      } catch (error) {
        throw told(error, file);
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function told(error: unknown, path: string): unknown {
  if (error instanceof OperationError) return error;
  return new OperationError(
    'failed',
    `${path}: ${error instanceof Error ? error.message : String(error)}`,
    undefined,
    error,
  );
}
