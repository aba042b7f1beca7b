/**
 * Directories in which OpenSSL finds certificates and revocation lists by the hash of a name: `9da13359.0`,
 * `9da13359.1`, `9da13359.r0`, files or links. What has another name is not found there, nor is what comes after a gap.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalName } from '../protocol/pki/name-canonical.ts';

export type HashedKind = 'certificate' | 'list';

export interface HashedFile {
  readonly path: string;
  readonly hash: string;
}

const NAMES: Readonly<Record<HashedKind, RegExp>> = {
  certificate: /^([0-9a-f]{8})\.(0|[1-9]\d{0,4})$/,
  list: /^([0-9a-f]{8})\.r(0|[1-9]\d{0,4})$/,
};

/** The files that OpenSSL would look at. Throws when the directory cannot be read. */
export function hashedFiles(directory: string, kind: HashedKind): HashedFile[] {
  const numbers = new Map<string, Set<number>>();
  for (const name of readdirSync(directory)) {
    const [, hash, number] = NAMES[kind].exec(name) ?? [];
    if (hash === undefined) continue;
    const found = numbers.get(hash) ?? new Set();
    numbers.set(hash, found.add(Number(number)));
  }
  const files: HashedFile[] = [];
  for (const [hash, found] of [...numbers].toSorted(([one], [other]) => (one < other ? -1 : 1)))
    for (let number = 0; found.has(number); number++)
      files.push({ path: join(directory, `${hash}.${kind === 'list' ? 'r' : ''}${number}`), hash });
  return files;
}

/** The hash by which OpenSSL looks for a name (DER), since 1.0. Throws `DerError` when it is none. */
export function nameHash(name: Uint8Array): string {
  const digest = createHash('sha1').update(canonicalName(name)).digest();
  return digest.readUInt32LE().toString(16).padStart(8, '0');
}
