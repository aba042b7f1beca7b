/** What the running relay can tell of its authority, and the way of a passphrase to the signer. No key comes near it. */
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { KeyState } from '../ca/authority.ts';
import { fingerprintOf } from '../ca/keys.ts';
import { authorityFiles } from '../ca/setup.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { readCrl } from '../protocol/pki/crl-read.ts';
import { printName } from '../protocol/pki/name.ts';
import { oids } from '../protocol/pki/oid.ts';
import { pemBlock } from '../protocol/pki/pem.ts';
import { readPublicKeyKind } from '../protocol/pki/request.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

export interface CaView {
  readonly file: string;
  readonly subject: string;
  readonly serial: string;
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
  /** `P-256`, `RSA`… */
  readonly key: string;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
}

export interface CrlView {
  readonly file: string;
  readonly number: string | null;
  readonly entries: number;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
}

export interface AuthorityReport {
  readonly now: Ms;
  readonly root: CaView;
  readonly issuing: CaView;
  /** `here`: on this machine, where it is needed for nothing but renewal. */
  readonly rootKey: 'here' | 'away';
  readonly issuingKey: {
    /** `unusable`: see `fault`. */
    readonly state: KeyState | 'unusable';
    readonly fault: string | null;
    /** A socket, when the signer is another user's; else the key's file. */
    readonly place: string;
  };
  /** Null: there is none. */
  readonly crl: CrlView | null;
  readonly rootCrl: CrlView | null;
}

/** Both CAs, where their keys are, and how old what they publish is. Throws OperationError for a file that is no CA. */
export async function showAuthority(context: AdminContext): Promise<AuthorityReport> {
  const [root, issuing] = [
    await caView(context, authorityFiles.rootCertificate),
    await caView(context, authorityFiles.issuingCertificate),
  ];
  return {
    now: context.clock.now(),
    root,
    issuing,
    rootKey: (await context.files.has(authorityFiles.rootKey)) ? 'here' : 'away',
    issuingKey: { ...(await keyState(context)), place: context.config.ca.signer ?? authorityFiles.issuingKey },
    crl: await crlView(context, authorityFiles.crl),
    rootCrl: await crlView(context, authorityFiles.rootCrl),
  };
}

/** Whether the issuing key signs when it is asked. Of a relay that is stopped this begins a signer. */
export async function keyState(
  context: AdminContext,
): Promise<{ readonly state: KeyState | 'unusable'; readonly fault: string | null }> {
  try {
    return { state: (await context.custody.state()).state, fault: null };
  } catch (error) {
    return { state: 'unusable', fault: error instanceof Error ? error.message : String(error) };
  }
}

/** For `unlockAuthority`: the key's state, and what a passphrase is sealed to. Of a relay that is stopped, nothing. */
export async function authorityState(
  context: AdminContext,
): Promise<{ readonly state: KeyState; readonly sealTo: Bytes; readonly running: boolean }> {
  if (context.live === undefined) return { state: 'locked', sealTo: new Uint8Array(0), running: false };
  // The files as they are now: a key that has just been locked is not to be taken for the one in clear before it.
  await context.custody.reload();
  return { ...(await context.custody.state()), running: true };
}

/** Hands a sealed passphrase to the signer of the running relay, which keeps the key open until the relay stops. */
export async function unlockAuthority(
  context: AdminContext,
  { sealed }: { readonly sealed: Uint8Array },
): Promise<{ readonly state: KeyState }> {
  running(context);
  const state = await context.custody.unlock(sealed);
  context.ledger.appendAudit(
    { action: 'unlocked', by: context.actor, detail: 'issuing key, for the running relay' },
    context.clock.now(),
  );
  return { state };
}

/** The signer of the running relay forgets what it was told. */
export function relockAuthority(context: AdminContext): { readonly state: 'locked' } {
  running(context);
  context.custody.relock();
  context.ledger.appendAudit(
    { action: 'locked', by: context.actor, detail: 'issuing key, for the running relay' },
    context.clock.now(),
  );
  return { state: 'locked' };
}

function running(context: AdminContext): void {
  if (context.live === undefined)
    throw new OperationError(
      'conflict',
      'the relay does not run, so there is no signer to unlock',
      'start it; commands that sign ask for the passphrase themselves',
    );
}

async function caView(context: AdminContext, file: string): Promise<CaView> {
  const der = await blockIn(context, file, 'CERTIFICATE');
  const certificate = der === undefined ? undefined : parseCertificate(der);
  if (der === undefined || certificate?.isCa !== true)
    throw new OperationError('failed', `${file}: holds no CA certificate in PEM`, 'restore it from a backup');
  const { subject, serial, notBefore, notAfter, publicKey } = certificate;
  return {
    file,
    subject: printName(subject),
    serial,
    fingerprint: fingerprintOf(der),
    key: keyName(publicKey),
    notBefore,
    notAfter,
  };
}

async function crlView(context: AdminContext, file: string): Promise<CrlView | null> {
  const der = await blockIn(context, file, 'X509 CRL');
  const reading = der === undefined ? undefined : readCrl(der);
  if (reading?.kind !== 'list') return null;
  const { number, entries, thisUpdate, nextUpdate } = reading.list;
  return {
    file,
    number: number === undefined ? null : String(number),
    entries: entries.length,
    thisUpdate,
    nextUpdate,
  };
}

/** Undefined when the file is not there or holds no such block. */
async function blockIn(context: AdminContext, file: string, label: string): Promise<Bytes | undefined> {
  if (!(await context.files.has(file))) return undefined;
  return pemBlock(await context.files.read(file), label);
}

const names: Readonly<Record<string, string>> = {
  [oids.p256]: 'P-256',
  [oids.p384]: 'P-384',
  [oids.p521]: 'P-521',
  [oids.ed25519]: 'Ed25519',
  [oids.ed448]: 'Ed448',
  [oids.rsaEncryption]: 'RSA',
};

function keyName(publicKey: Uint8Array): string {
  const kind = readPublicKeyKind(publicKey);
  const type = kind?.curve ?? kind?.algorithm ?? '';
  return names[type] ?? type;
}
