/**
 * What is done with the CA's keys themselves. These are no operations that the running relay could be asked for: they
 * run in the process of the command, on the files, so that the relay never has a key in its memory. Each file is
 * replaced whole; a failure in between leaves keys that open, and the same command again completes it.
 */
import type { KeyObject } from 'node:crypto';
import { latin1, utf8, type Bytes, sameBytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { AuditAction } from '../ca/audit.ts';
import { isLocked, KeyFault, lockKey, openKey } from '../ca/encrypted-key.ts';
import { makePassphrase } from '../ca/passphrase.ts';
import { renewIssuing, RenewalImpossible } from '../ca/renew-authority.ts';
import { makeRootExport, openRootExport } from '../ca/root-export.ts';
import { fingerprintOf } from '../ca/keys.ts';
import { authorityFiles, certificateFile, keyFile, signRootCrl } from '../ca/setup.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { readCrl } from '../protocol/pki/crl-read.ts';
import { decodePem, encodePem, pemBlock } from '../protocol/pki/pem.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

export type CustodyContext = Pick<AdminContext, 'actor' | 'clock' | 'config' | 'files' | 'ledger' | 'random'>;

/** Asked only when a key that is needed is locked, and again after a wrong answer; undefined: gives up. */
export type AskPassphrase = (what: 'keys' | 'export', wrongBefore: number) => Promise<string | undefined>;

const { issuingKey, rootKey, rootCertificate, issuingCertificate, rootCrl } = authorityFiles;

export interface KeyChange {
  /** Paths of the keys that were changed. */
  readonly changed: readonly string[];
}

/**
 * Puts the issuing key, and the root's when it is here, under a passphrase. Keys that are locked are opened with the
 * old one first. Throws OperationError.
 */
export async function lockKeys(context: CustodyContext, passphrase: string, old: AskPassphrase): Promise<KeyChange> {
  return await rewriteKeys(context, 'locked', async (key, pem, path) => {
    // Locked with this one already: by a command before, which a full disk stopped half way.
    if (isLocked(pem) === true && opens(pem, passphrase)) return undefined;
    const locked = await lockKey(await key(old), passphrase, context.random);
    // It is read back before it takes the place of a key that works.
    if (!opens(locked, passphrase)) throw new OperationError('failed', `${path}: could not be locked`);
    return locked;
  });
}

/** Puts the keys in clear again. Throws OperationError. */
export async function unlockKeys(context: CustodyContext, old: AskPassphrase): Promise<KeyChange> {
  return await rewriteKeys(context, 'unlocked', async (key, pem) =>
    isLocked(pem) === true ? keyFile(await key(old)) : undefined,
  );
}

type Rewrite = (
  key: (ask: AskPassphrase) => Promise<KeyObject>,
  pem: Uint8Array,
  path: string,
) => Promise<Bytes | undefined>;

/** All are made before the first is written: a wrong passphrase or a broken key changes nothing. */
async function rewriteKeys(context: CustodyContext, action: AuditAction, rewrite: Rewrite): Promise<KeyChange> {
  const written: { readonly path: string; readonly bytes: Bytes }[] = [];
  for (const path of [issuingKey, rootKey]) {
    if (path === rootKey && !(await context.files.has(path))) continue;
    const pem = await readFile(context, path);
    const bytes = await rewrite((ask) => openWith(pem, path, ask), pem, path);
    if (bytes !== undefined) written.push({ path, bytes });
  }
  for (const { path, bytes } of written) await context.files.write(path, bytes, 'secret');
  const changed = written.map(({ path }) => path);
  if (changed.length > 0)
    note(
      context,
      action,
      action === 'locked' ? `under a passphrase: ${changed.join(', ')}` : `in clear: ${changed.join(', ')}`,
    );
  return { changed };
}

export interface RootExport {
  /** The passphrase, when it was made here: it is told only now. */
  readonly passphrase: string | undefined;
  /** SHA-256 of the file. */
  readonly sha256: string;
}

export interface RootExportRequest {
  /** Name of the file, for the log. */
  readonly file: string;
  /** Undefined: one is made. */
  readonly passphrase: string | undefined;
  /** Puts the file where it is to be, and gives what can be read there. */
  place(bytes: Bytes): Promise<Uint8Array>;
}

/** The root's key and certificate in one file; it counts as exported only when what was written opens. */
export async function exportRoot(
  context: CustodyContext,
  request: RootExportRequest,
  ask: AskPassphrase,
): Promise<RootExport> {
  const root = await readCertificate(context, rootCertificate);
  const key = await openWith(await readRootKey(context), rootKey, ask);
  const passphrase = request.passphrase ?? makePassphrase(context.random);
  const there = await request.place(await makeRootExport(key, root, passphrase, context.random));
  try {
    openRootExport(there, root, passphrase);
  } catch (error) {
    throw new OperationError(
      'failed',
      `${request.file}: what was written cannot be opened: ${messageOf(error)}`,
      'the root key is still in its place; try another disk',
      error,
    );
  }
  const sha256 = fingerprintOf(there);
  note(context, 'root-exported', `root key to ${request.file}, SHA-256 ${sha256}, read back and opened`);
  return { passphrase: request.passphrase === undefined ? passphrase : undefined, sha256 };
}

/** Entries of the log that are read at a time. */
const PAGE = 10_000;

export interface RootForgotten {
  /** False: it was gone before. */
  readonly removed: boolean;
}

/** Removes the root's key from this machine. The exported file must show that it opens and holds the same key. */
export async function forgetRoot(
  context: CustodyContext,
  exported: { readonly file: string; readonly bytes: Uint8Array },
  ask: AskPassphrase,
): Promise<RootForgotten> {
  if (!wasExported(context))
    throw new OperationError(
      'conflict',
      'the root key was never exported from here',
      'run "sealpost ca root export FILE" first: without the key the issuing certificate cannot be renewed',
    );
  const root = await readCertificate(context, rootCertificate);
  await openExport(exported, root, ask);
  if (!(await context.files.has(rootKey))) return { removed: false };
  // The log first: a key that is gone without an entry would be a riddle; an entry without its deed shows in "ca show".
  note(context, 'root-forgotten', `root key removed; it is in ${exported.file}`);
  await context.files.erase(rootKey);
  return { removed: true };
}

function wasExported({ ledger }: CustodyContext): boolean {
  for (let after = 0; ;) {
    const entries = ledger.audit(after, PAGE);
    if (entries.some(({ action }) => action === 'root-exported')) return true;
    const last = entries.at(-1);
    if (last === undefined) return false;
    after = last.number;
  }
}

export interface AuthorityRenewed {
  readonly notAfter: Ms;
  readonly before: Ms;
  readonly written: readonly string[];
}

/**
 * Renews the issuing certificate, the root's CRL, and the chain in the server's certificate file when it holds ours. Each
 * is good beside the old ones, so it may stop anywhere, and can be given again.
 */
export async function renewAuthority(
  context: CustodyContext,
  exported: { readonly file: string; readonly bytes: Uint8Array } | undefined,
  ask: AskPassphrase,
): Promise<AuthorityRenewed> {
  const root = await readCertificate(context, rootCertificate);
  const issuing = await readCertificate(context, issuingCertificate);
  const key =
    exported === undefined
      ? await openWith(await readRootKey(context), rootKey, ask)
      : await openExport(exported, root, ask);
  let renewed: Bytes;
  try {
    renewed = renewIssuing({ root, issuing, rootKey: key }, context.random, context.clock);
  } catch (error) {
    if (!(error instanceof RenewalImpossible)) throw error;
    throw new OperationError('conflict', error.message, undefined, error);
  }
  const [facts, before] = [parseCertificate(renewed), parseCertificate(issuing)];
  if (facts === undefined || before === undefined) throw new Error('the renewed certificate cannot be read');
  const crl = signRootCrl({
    root,
    rootKey: key,
    number: (await rootCrlNumber(context)) + 1,
    at: context.clock.now(),
    until: facts.notAfter,
  });
  const written: string[] = [rootCrl];
  await context.files.write(rootCrl, utf8(encodePem('X509 CRL', crl)), 'public');
  if (await replaceInChain(context, context.config.tls.certificate, renewed))
    written.push(context.config.tls.certificate);
  // Last: until it is there, the command begins anew.
  await context.files.write(issuingCertificate, certificateFile([renewed]), 'public');
  written.push(issuingCertificate);
  context.ledger.appendAudit(
    {
      action: 'ca-renewed',
      by: context.actor,
      serial: facts.serial,
      detail: `the issuing certificate, with the key of the root ${exported === undefined ? 'kept here' : `in ${exported.file}`}`,
    },
    context.clock.now(),
  );
  return { notAfter: facts.notAfter, before: before.notAfter, written };
}

/** Number of the root's CRL as it is; 0 without one. */
async function rootCrlNumber(context: CustodyContext): Promise<number> {
  if (!(await context.files.has(rootCrl))) return 0;
  const der = pemBlock(await context.files.read(rootCrl), 'X509 CRL');
  const reading = der === undefined ? undefined : readCrl(der);
  return reading?.kind === 'list' ? Number(reading.list.number ?? 0n) : 0;
}

/** Puts the certificate in the place of the one with its name and key, in a file of several. False when there is none. */
async function replaceInChain(context: CustodyContext, path: string, renewed: Bytes): Promise<boolean> {
  if (!(await context.files.has(path))) return false;
  const facts = parseCertificate(renewed);
  const blocks = decodePem(latin1(await context.files.read(path)));
  const at = blocks.findIndex(({ label, der }) => {
    const one = label === 'CERTIFICATE' ? parseCertificate(der) : undefined;
    return (
      one !== undefined &&
      facts !== undefined &&
      sameBytes(one.subject, facts.subject) &&
      sameBytes(one.publicKey, facts.publicKey)
    );
  });
  // A file with a key in it is not one that we wrote.
  if (at < 1 || blocks.some(({ label }) => label !== 'CERTIFICATE')) return false;
  await context.files.write(
    path,
    certificateFile(blocks.map(({ der }, index) => (index === at ? renewed : der))),
    'public',
  );
  return true;
}

/** The issuing key, in this process. Throws OperationError. */
export async function openIssuingKey(context: CustodyContext, ask: AskPassphrase): Promise<KeyObject> {
  return await openWith(await readFile(context, issuingKey), issuingKey, ask);
}

async function openExport(
  { file, bytes }: { readonly file: string; readonly bytes: Uint8Array },
  root: Uint8Array,
  ask: AskPassphrase,
): Promise<KeyObject> {
  return await opened(file, bytes, 'export', ask, (passphrase) => openRootExport(bytes, root, passphrase));
}

async function openWith(pem: Uint8Array, path: string, ask: AskPassphrase): Promise<KeyObject> {
  return await opened(path, pem, 'keys', ask, (passphrase) => openKey(pem, passphrase));
}

async function opened(
  path: string,
  pem: Uint8Array,
  what: 'keys' | 'export',
  ask: AskPassphrase,
  open: (passphrase: string | undefined) => KeyObject,
): Promise<KeyObject> {
  const locked = isLocked(pem) === true;
  let before: unknown;
  for (let wrong = 0; ; wrong++) {
    const passphrase = locked ? await ask(what, wrong) : undefined;
    if (passphrase === undefined && before !== undefined) throw keyError(before, path);
    try {
      return open(passphrase);
    } catch (error) {
      if (!(error instanceof KeyFault && error.kind === 'wrong-passphrase')) throw keyError(error, path);
      before = error;
    }
  }
}

function keyError(error: unknown, path: string): unknown {
  if (!(error instanceof KeyFault)) return error;
  const hint = error.kind === 'none' ? 'restore it from a backup' : undefined;
  return new OperationError(error.kind === 'locked' ? 'conflict' : 'failed', `${path}: ${error.message}`, hint, error);
}

function opens(pem: Uint8Array, passphrase: string): boolean {
  try {
    openKey(pem, passphrase);
    return true;
  } catch {
    return false;
  }
}

async function readRootKey(context: CustodyContext): Promise<Uint8Array> {
  if (!(await context.files.has(rootKey)))
    throw new OperationError(
      'not-found',
      `${rootKey} is not here`,
      'the root key was exported and removed; give the exported file with --root FILE',
    );
  return await readFile(context, rootKey);
}

async function readFile(context: CustodyContext, path: string): Promise<Uint8Array> {
  try {
    return await context.files.read(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const hint =
      code === 'ENOENT'
        ? 'restore it from a backup, or make a new authority with "sealpost init"'
        : code === 'EACCES'
          ? 'the signer has a user of its own, then: run this as root'
          : undefined;
    throw new OperationError('failed', `${path}: ${messageOf(error)}`, hint, error);
  }
}

async function readCertificate(context: CustodyContext, path: string): Promise<Bytes> {
  const der = pemBlock(await readFile(context, path), 'CERTIFICATE');
  if (der === undefined || parseCertificate(der)?.isCa !== true)
    throw new OperationError('failed', `${path}: holds no CA certificate in PEM`, 'restore it from a backup');
  return der;
}

function note(context: CustodyContext, action: AuditAction, detail: string): void {
  context.ledger.appendAudit({ action, by: context.actor, detail }, context.clock.now());
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
