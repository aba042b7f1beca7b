import { readFile, readdir, realpath, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { AdminFiles } from '../admin/context.ts';
import { eraseFile, isFileNow, writeFileSafely } from '../platform/files/write-file.ts';

/** Where things lie below the data directory, besides what the configuration names. */
export const DATABASE = 'sealpost.db';
export const CONTENTS = 'content';

/** The data directory's files, by relative path; an absolute one is taken as it is. */
export function adminFiles(directory: string): AdminFiles {
  const at = (path: string): string => (isAbsolute(path) ? path : join(directory, path));
  return {
    has: (path) => Promise.resolve(isFileNow(at(path))),
    read: (path) => readFile(at(path)),
    // What a symlink leads to is replaced, and the symlink stays: somebody put it there.
    write: async (path, bytes, mode) => writeFileSafely(await realpath(at(path)).catch(() => at(path)), bytes, mode),
    async list(path) {
      try {
        return await readdir(at(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    },
    remove: (path) => rm(at(path), { recursive: true, force: true }),
    erase: (path) => eraseFile(at(path)),
  };
}
