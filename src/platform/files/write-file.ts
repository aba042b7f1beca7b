import { statSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DirectorySync } from './directory-sync.ts';

/**
 * Puts a file in place whole: written beside, synced, renamed, and the directory synced, so that a crash leaves the
 * old file or the new one. `secret` is 0600 from its first byte, `public` 0644; directories made on the way are 0700.
 * What root writes belongs to whom the file belonged before, or its directory: the relay is no root, and reads it.
 */
export async function writeFileSafely(path: string, bytes: Uint8Array, mode: 'public' | 'secret'): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  try {
    await using file = await open(beside, 'wx', 0o600);
    if (process.getuid?.() === 0) await keepOwner(file, path);
    if (mode === 'public') await file.chmod(0o644); // whatever the umask
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await rename(beside, path);
  await new DirectorySync(directory).sync();
}

async function keepOwner(file: FileHandle, path: string): Promise<void> {
  const { uid, gid } = await stat(path).catch(() => stat(dirname(path)));
  if (uid !== 0 || gid !== 0) await file.chown(uid, gid);
}

/**
 * Removes a secret, its octets first: written over, synced, then unlinked. On disks that write elsewhere what they
 * write over (flash, copy-on-write, snapshots) the old octets may still lie somewhere.
 */
export async function eraseFile(path: string): Promise<void> {
  {
    await using file = await open(path, 'r+');
    const { size } = await file.stat();
    await file.write(new Uint8Array(size), 0, size, 0);
    await file.sync();
  }
  await rm(path);
  await new DirectorySync(dirname(path)).sync();
}

/** Whether the path is a file that is there now. Throws for anything but its absence. */
export function isFileNow(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
