import { readFile, stat } from 'node:fs/promises';

export interface FileNow {
  readonly bytes: Uint8Array;
  readonly modifiedAt: number;
}

/** A file that others replace: read again when it changed, looked at no more than once in `interval` ms. */
export function watchedFile(path: string, interval = 1_000): () => Promise<FileNow | undefined> {
  let lookedAt = -Infinity;
  let stamp = '';
  let now: Promise<FileNow | undefined> = Promise.resolve(undefined);
  const look = async (before: Promise<FileNow | undefined>): Promise<FileNow | undefined> => {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const next = `${mtimeMs} ${size} ${ino}`;
      if (next === stamp) return await before;
      const file = { bytes: await readFile(path), modifiedAt: Math.floor(mtimeMs) };
      stamp = next;
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      stamp = '';
      return undefined;
    }
  };
  return () => {
    if (performance.now() - lookedAt >= interval) {
      lookedAt = performance.now();
      const before = now.catch(() => undefined);
      now = look(before);
    }
    return now;
  };
}
