/** Compiled maps as files: a table as it is in memory, and the SHA-256 digest of it behind it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileSafely } from '../platform/files/write-file.ts';
import { HEADER_WORDS, checkTable, isTable } from '../relay/table/table.ts';

const DIGEST = 32;

/** The table of a compiled map; undefined when the octets are none of ours. Throws on one that is damaged. */
export function tableOf(octets: Uint8Array, file: string): SharedArrayBuffer | undefined {
  const length = octets.length - DIGEST;
  if (length < HEADER_WORDS * 4) return undefined;
  const table = new SharedArrayBuffer(HEADER_WORDS * 4);
  new Uint8Array(table).set(octets.subarray(0, table.byteLength));
  if (!isTable(table)) return undefined;
  const whole = new SharedArrayBuffer(length);
  new Uint8Array(whole).set(octets.subarray(0, length));
  if (!digestOf(octets.subarray(0, length)).equals(octets.subarray(length)))
    throw new Error(`${file}: the compiled map is damaged; make it again with sealpost makemap`);
  checkTable(whole);
  return whole;
}

/** The map in a file; undefined when there is no file, `foreign` when something else is in it. */
export function readMapFile(path: string): SharedArrayBuffer | 'foreign' | undefined {
  let octets: Uint8Array;
  try {
    octets = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return tableOf(octets, path) ?? (octets.length === 0 ? undefined : 'foreign');
}

/** Puts the map in place whole, or leaves what was there. */
export async function writeMapFile(path: string, table: SharedArrayBuffer): Promise<void> {
  // Shared memory is no place to write from.
  const octets = Buffer.from(new Uint8Array(table));
  await writeFileSafely(path, Buffer.concat([octets, digestOf(octets)]), 'public');
}

function digestOf(octets: Uint8Array): Buffer {
  return createHash('sha256').update(octets).digest();
}
