import { statSync } from 'node:fs';

/** Changes when the files' sizes or times do, or one appears or goes; for watching. */
export function fileStamp(paths: readonly string[]): string {
  return paths.map(stampOf).join(' ');
}

function stampOf(path: string): string {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? '-' : `${found.ino}:${found.size}:${found.mtimeMs}`;
  } catch (error) {
    // Whoever has the directory may close it to us.
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Milliseconds since the file was written; infinite when it is not there. */
export function fileAge(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? Number.POSITIVE_INFINITY : Date.now() - found.mtimeMs;
}
