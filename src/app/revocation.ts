/** The revocation lists that `tls.revocationLists` and `tls.revocationPaths` name, read from their files. */
import { readFileSync } from 'node:fs';
import { latin1 } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { chainCrypto } from '../ca/chain-crypto.ts';
import type { Config } from '../config/schema.ts';
import { inDirectory } from '../config/settings.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { readCrl } from '../protocol/pki/crl-read.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import {
  isListSignedBy,
  uncheckedList,
  type ConfiguredLists,
  type UncheckedList,
} from '../relay/identity/configured-lists.ts';
import { hashedFiles, nameHash } from './hashed-directory.ts';

export interface ReadLists {
  /** Undefined: none are named. */
  readonly lists: ConfiguredLists | undefined;
  /** What could not be used, each with its file. */
  readonly faults: readonly string[];
  /** What can, and is worth a word. */
  readonly remarks: readonly string[];
}

/** Cost grows with the lists; reads nothing when none is named. */
export function readRevocation(config: Config, directory: string, authorities: readonly string[]): ReadLists {
  const { revocationLists: files, revocationPaths: folders } = config.tls;
  if (files.length === 0 && folders.length === 0) return { lists: undefined, faults: [], remarks: [] };
  const open = config.compatibility.includes('open-crl');
  const found: FoundList[] = [];
  const faults: string[] = [];
  for (const file of files) {
    const path = inDirectory(directory, file);
    const lists = readLists(path, 'tls.revocationLists', faults);
    // Sendmail loads no more than the first of a file.
    found.push(...(open ? lists.slice(0, 1) : lists));
  }
  for (const folder of folders) found.push(...readFolder(inDirectory(directory, folder), faults));
  return {
    lists: { lists: found.map(({ list }) => list), incomplete: faults.length > 0 && !open },
    faults,
    remarks: remarksOn(found, authorities, config.compatibility.includes('weak-signatures')),
  };
}

/** The files and directories that are to be watched. */
export function revocationFiles(config: Config, directory: string): string[] {
  const folders = config.tls.revocationPaths.map((path) => inDirectory(directory, path));
  return [
    ...config.tls.revocationLists.map((path) => inDirectory(directory, path)),
    ...folders.flatMap((folder) => watchedIn(folder, 'list')),
  ];
}

/** A directory and what is found in it by hash; the directory alone when it cannot be read. */
export function watchedIn(folder: string, kind: Parameters<typeof hashedFiles>[1]): string[] {
  try {
    return [folder, ...hashedFiles(folder, kind).map(({ path }) => path)];
  } catch {
    return [folder];
  }
}

/** What of the lists has run out, at this time. */
export function endedLists({ lists }: ConfiguredLists, now: Ms): string[] {
  return lists
    .filter(({ list }) => list.nextUpdate < now)
    .map(({ list }) => {
      const reading = readCrl(list.der);
      const issuer = reading.kind === 'list' ? encodeName(reading.list.issuer) : list.issuer;
      return `the revocation list of ${issuer} ran out on ${new Date(list.nextUpdate).toISOString()}; certificates of that CA are refused`;
    });
}

interface FoundList {
  readonly path: string;
  /** DER of the name. */
  readonly issuer: Uint8Array;
  readonly list: UncheckedList;
}

const crypto = chainCrypto();

function readLists(path: string, key: string, faults: string[]): FoundList[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    faults.push(`cannot read ${path} (${key}): ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
    return [];
  }
  const text = latin1(bytes);
  const isPem = text.includes('-----BEGIN ');
  const ders = isPem
    ? decodePem(text)
        .filter(({ label }) => label === 'X509 CRL')
        .map(({ der }) => der)
    : [new Uint8Array(bytes)];
  const begun = isPem ? text.split('-----BEGIN X509 CRL-----').length - 1 : 1;
  if (ders.length === 0) faults.push(`${path} (${key}) holds no revocation list`);
  else if (ders.length < begun) faults.push(`${path} (${key}) ends in the middle of a revocation list`);
  return ders.flatMap((der, index) => {
    const reading = readCrl(der);
    if (reading.kind === 'list')
      return [{ path, issuer: reading.list.issuer, list: uncheckedList(der, reading.list, crypto) }];
    faults.push(`revocation list ${index + 1} in ${path} (${key}) cannot be used: ${reading.why}`);
    return [];
  });
}

function readFolder(folder: string, faults: string[]): FoundList[] {
  try {
    return hashedFiles(folder, 'list').flatMap(({ path, hash }) =>
      // OpenSSL looks for a name by its hash, so a list of another name is never found under it.
      readLists(path, 'tls.revocationPaths', faults).filter(({ issuer }) => nameHash(issuer) === hash),
    );
  } catch (error) {
    faults.push(
      `cannot read ${folder} (tls.revocationPaths): ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
    return [];
  }
}

/** Lists that no CA here signed: of one that is known by name all certificates are refused, of others nobody is asked. */
function remarksOn(found: readonly FoundList[], authorities: readonly string[], weak: boolean): string[] {
  const checks = chainCrypto({ weak });
  const cas = authorities.flatMap((pem) => decodePem(pem)).map(({ der }) => der);
  return found.flatMap(({ path, issuer, list }) => {
    const name = encodeName(issuer);
    const namesakes = cas.filter((der) => {
      const certificate = parseCertificate(der);
      return certificate !== undefined && Buffer.compare(certificate.subject, issuer) === 0;
    });
    if (namesakes.some((der) => isListSignedBy(list, der, checks))) return [];
    return [
      namesakes.length === 0
        ? `${path}: no CA that is believed here has the name ${name}; the list counts for a CA of that name that clients send along`
        : `${path}: the list of ${name} is not signed by the CA of that name that is believed here, or by an algorithm that is broken; certificates of that CA are refused`,
    ];
  });
}
