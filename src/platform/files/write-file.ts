import { statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DirectorySync } from './directory-sync.ts';

/**
 * Puts a file in place whole: written beside, synced, renamed, and the directory synced, so that a crash leaves the
 * old file or the new one. `secret` is 0600 from its first byte, `public` 0644; directories made on the way are 0700.
 */
export async function writeFileSafely(path: string, bytes: Uint8Array, mode: 'public' | 'secret'): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  const file = await open(beside, 'wx', mode === 'secret' ? 0o600 : 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await new DirectorySync(directory).sync();
}

/** Whether the path is a file that is there now. Throws for anything but its absence. */
export function isFileNow(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
