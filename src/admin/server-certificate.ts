/**
 * The server's own certificate. When it is of our own CA it renews by itself, long before its end and with the same key:
 * TLSA records (RFC 7671 §5.1) and pins stay right, and one file changes, whole. One from outside is never touched; whoever
 * made it renews it, and the relay sees the file change.
 */
import { createPrivateKey } from 'node:crypto';
import { latin1, sameBytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { Issued } from '../ca/issuance.ts';
import { fingerprintOf, publicKeyOf } from '../ca/keys.ts';
import type { LedgerRecord } from '../ca/ledger.ts';
import { lastOf, renew } from '../ca/renewal.ts';
import { authorityFiles, certificateFile } from '../ca/setup.ts';
import type { Config } from '../config/schema.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { decodePem, pemBlock } from '../protocol/pki/pem.ts';
import { signing } from './certificate-issue.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

/** The certificate that the listeners show. */
export interface ServerInForce {
  /** Path of its file, as the configuration has it. */
  readonly path: string;
  readonly certificate: Certificate;
  /** Its record; undefined: it came from outside. */
  readonly record: LedgerRecord | undefined;
}

/** Undefined when the file is missing, or holds no certificate. */
export async function serverInForce({
  config,
  files,
  ledger,
}: Pick<AdminContext, 'config' | 'files' | 'ledger'>): Promise<ServerInForce | undefined> {
  const path = config.tls.certificate;
  const pem = await files.read(path).catch(() => undefined);
  const der = pem && pemBlock(pem, 'CERTIFICATE');
  const certificate = der && parseCertificate(der);
  if (der === undefined || certificate === undefined) return undefined;
  const record = ledger.get(certificate.serial);
  const isOurs = record?.profile === 'server' && record.fingerprint === fingerprintOf(der);
  return { path, certificate, record: isOurs ? record : undefined };
}

/**
 * Renews the server certificate when its time has come, and puts in place what was issued before and could not be written
 * then. Resolves to the record put in place, undefined when there was nothing to do. Rejects when the CA cannot sign, or
 * the file cannot be written: nothing is lost by doing it again.
 */
export async function keepServerCertificate(context: AdminContext): Promise<LedgerRecord | undefined> {
  const inForce = await serverInForce(context);
  if (inForce?.record === undefined || inForce.record.state !== 'active') return undefined;
  const { record, path, certificate } = inForce;
  const now = context.clock.now();
  const last = lastOf(context.ledger, record);
  const isSuccessor =
    last.serial !== record.serial && last.state === 'active' && last.notAfter > now && hasKeyOf(last, certificate);
  if (isSuccessor) return await putInPlace(context, path, last);
  if (now < renewalTime(record, context.config)) return undefined;
  return (await renewWithKey(context, inForce, record, context.config.ca.overlap)).record;
}

/** When a server certificate is to be renewed: not before half of its life, whatever the configuration says. */
export function renewalTime({ notBefore, notAfter }: LedgerRecord, { ca }: Config): Ms {
  const life = notAfter - notBefore;
  return notAfter - (ca.renewBefore === 'auto' ? life / 3 : Math.min(ca.renewBefore, life / 2));
}

/** Renews it now, by the wish of the operator. Throws OperationError `usage` when `record` is not the one in force: its key is elsewhere. */
export async function renewServerNow(context: AdminContext, record: LedgerRecord, overlap: Ms): Promise<Issued> {
  const inForce = await serverInForce(context);
  if (inForce?.record?.serial === record.serial) return await renewWithKey(context, inForce, record, overlap);
  throw new OperationError(
    'usage',
    'a certificate is for one key, and none was given',
    'give a request with --csr, or let a key be made here with --make-key',
  );
}

async function renewWithKey(
  context: AdminContext,
  { path, certificate }: ServerInForce,
  record: LedgerRecord,
  overlap: Ms,
): Promise<Issued> {
  const { config, files } = context;
  const keyPath = config.tls.key;
  const publicKey = publicKeyOf(createPrivateKey(latin1(await files.read(keyPath))));
  // Half of a pair that somebody is just changing would be certified.
  if (!sameBytes(publicKey, certificate.publicKey))
    throw new OperationError('conflict', `${keyPath} is not the key of the certificate in ${path}`);
  const issued = await signing(() => renew(context, record, { publicKey, overlap }, context.actor));
  await putInPlace(context, path, issued.record);
  return issued;
}

/** Certificate and issuing CA, as `init` writes them. The relay sees the file change and swaps it in. */
async function putInPlace(context: AdminContext, path: string, record: LedgerRecord): Promise<LedgerRecord> {
  const issuing = decodePem(latin1(await context.files.read(authorityFiles.issuingCertificate)));
  const chain = issuing.filter(({ label }) => label === 'CERTIFICATE').map(({ der }) => der);
  await context.files.write(path, certificateFile([record.certificate, ...chain]), 'public');
  await context.live?.refresh();
  return record;
}

function hasKeyOf(record: LedgerRecord, certificate: Certificate): boolean {
  const key = parseCertificate(record.certificate)?.publicKey;
  return key !== undefined && sameBytes(key, certificate.publicKey);
}
