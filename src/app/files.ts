import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdminFiles } from '../admin/context.ts';
import { writeFileSafely } from '../platform/files/write-file.ts';

/** Where things lie below the data directory, besides what the configuration names. */
export const DATABASE = 'sealpost.db';
export const CONTENTS = 'content';

/** The data directory's files, by relative path. */
export function adminFiles(directory: string): AdminFiles {
  return {
    read: (path) => readFile(join(directory, path)),
    write: (path, bytes, mode) => writeFileSafely(join(directory, path), bytes, mode),
  };
}
