/** The work on the CA's keys (admin/custody.ts), on the files of a directory, beside a relay that may be running. */
import { join } from 'node:path';
import process from 'node:process';
import { exportAuthority, type ExportedAuthority } from '../admin/ca-export.ts';
import {
  exportRoot,
  forgetRoot,
  lockKeys,
  renewAuthority,
  unlockKeys,
  type AskPassphrase,
  type AuthorityRenewed,
  type KeyChange,
  type RootExport,
  type RootExportRequest,
  type RootForgotten,
} from '../admin/custody.ts';
import { systemActor } from '../platform/process/actor.ts';
import { systemClock } from '../platform/process/clock.ts';
import { systemRandom } from '../platform/process/random.ts';
import { openLedger } from '../storage/sqlite/ledger.ts';
import { targetDirectory } from './ca-directory.ts';
import { readConfig } from './compose.ts';
import { adminFiles, DATABASE } from './files.ts';
import { signerArguments } from './signer-link.ts';
import { sealTo } from './signer-seal.ts';

interface ExportedFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Each as in admin/custody.ts. */
export interface Custody {
  lock(passphrase: string, old: AskPassphrase): Promise<KeyChange>;
  unlock(old: AskPassphrase): Promise<KeyChange>;
  exportRoot(request: RootExportRequest, ask: AskPassphrase): Promise<RootExport>;
  forgetRoot(exported: ExportedFile, ask: AskPassphrase): Promise<RootForgotten>;
  renew(exported: ExportedFile | undefined, ask: AskPassphrase): Promise<AuthorityRenewed>;
  exportDirectory(to: string, wanted: string | undefined, ask: AskPassphrase): Promise<ExportedAuthority>;
  /** Seals a passphrase for the signer of a running relay. */
  seal(publicKey: Uint8Array, passphrase: string): Uint8Array;
  close(): void;
}

export function openCustody(directory: string): Custody {
  const ledger = openLedger(join(directory, DATABASE));
  const context = {
    actor: systemActor(),
    clock: systemClock(),
    random: systemRandom(),
    config: readConfig(directory),
    files: adminFiles(directory),
    ledger,
  };
  return {
    lock: (passphrase, old) => lockKeys(context, passphrase, old),
    unlock: (old) => unlockKeys(context, old),
    exportRoot: (request, ask) => exportRoot(context, request, ask),
    forgetRoot: (exported, ask) => forgetRoot(context, exported, ask),
    renew: (exported, ask) => renewAuthority(context, exported, ask),
    exportDirectory: async (to, wanted, ask) => exportAuthority(context, targetDirectory(to), wanted, ask),
    seal: (publicKey, passphrase) => sealTo(publicKey, Buffer.from(passphrase)),
    close: () => ledger.close(),
  };
}

/** This process becomes the signer, with its standard input and output as they are: for systemd. Does not return. */
export function becomeSigner(directory: string, passphraseFile: string | undefined): never {
  process.chdir('/');
  // The environment stays behind, as with a signer that the relay starts.
  process.execve?.(process.execPath, [process.execPath, ...signerArguments(directory, passphraseFile)], {});
  throw new Error('this Node cannot replace itself by another program');
}
