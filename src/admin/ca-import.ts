/**
 * Takes over a CA that was run with `openssl ca` (the layout of CA.pl: cacert.pem, private/cakey.pem, index.txt,
 * newcerts/, crlnumber): its key signs from now on, and what it has issued and withdrawn is in the ledger. The key is
 * read in the process of the command, never in the relay's.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { latin1, utf8, type Bytes, sameBytes } from '../base/bytes.ts';
import { localDoor } from '../ca/authority-local.ts';
import { usualTerms } from '../ca/authority.ts';
import { isLocked, KeyFault, lockKey, openKey } from '../ca/encrypted-key.ts';
import { acceptPublicKey, fingerprintOf, publicKeyOf } from '../ca/keys.ts';
import type { LedgerRecord, ProfileName } from '../ca/ledger.ts';
import { IndexFault, parseIndex, type IndexEntry } from '../ca/openssl-index.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { authorityFiles, certificateFile, keyFile } from '../ca/setup.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { readCrl } from '../protocol/pki/crl-read.ts';
import { commonName, encodeName, readName } from '../protocol/pki/name.ts';
import { oids } from '../protocol/pki/oid.ts';
import { decodePem, pemBlock } from '../protocol/pki/pem.ts';
import type { AskPassphrase, CustodyContext } from './custody.ts';
import { OperationError } from './errors.ts';

/** The directory that is taken over. Paths are relative to it. */
export interface SourceDirectory {
  /** For messages. */
  readonly path: string;
  /** Undefined when there is no such file. */
  read(path: string): Uint8Array | undefined;
  /** Names in a folder; none when it is not there. */
  list(path: string): string[];
}

export interface ImportedAuthority {
  readonly subject: string;
  readonly certificates: number;
  readonly withdrawn: number;
  /** What could not be taken over, or will not work, in words for the operator. */
  readonly warnings: readonly string[];
}

const DATABASE = 'index.txt';

/**
 * Writes the authority's files and fills the ledger, which is to be empty of certificates. Nothing is written before all
 * was read. Throws OperationError with the file at fault.
 */
export async function importAuthority(
  context: CustodyContext,
  source: SourceDirectory,
  ask: AskPassphrase,
): Promise<ImportedAuthority> {
  const fail = (path: string, what: string, hint?: string): never => {
    throw new OperationError('failed', `${source.path}/${path}: ${what}`, hint);
  };
  const ca = readAuthority(source, fail);
  const key = await readKey(context, source, ca.der, ask, fail);
  const warnings: string[] = [];
  if (ca.facts.notAfter <= context.clock.now()) fail('cacert.pem', 'this CA has expired: nothing it signs is believed');
  const records = readRecords(context, source, ca, fail, warnings);
  const crlNumber = lastCrlNumber(source);

  const { clock, actor, ledger, files } = context;
  const certificate = certificateFile([ca.der]);
  await files.write(authorityFiles.rootCertificate, certificate, 'public');
  await files.write(authorityFiles.issuingCertificate, certificate, 'public');
  await files.write(authorityFiles.issuingKey, key, 'secret');
  for (const record of records) {
    const detail = `${record.profile}: from ${source.path}/${DATABASE}`;
    ledger.add(record, { action: 'imported', by: actor, holder: record.holder, serial: record.serial, detail });
  }
  if (crlNumber !== undefined) ledger.raiseCrlNumber(crlNumber);
  const subject = encodeName(ca.facts.subject);
  const withdrawn = records.filter(({ state }) => state !== 'active').length;
  const detail = `CA ${subject} with ${records.length} certificates, ${withdrawn} of them withdrawn, from ${source.path}`;
  ledger.appendAudit({ action: 'imported', by: actor, detail }, clock.now());
  return { subject, certificates: records.length, withdrawn, warnings };
}

type Fail = (path: string, what: string, hint?: string) => never;

interface SourceCa {
  readonly der: Bytes;
  readonly facts: Certificate;
}

function readAuthority(source: SourceDirectory, fail: Fail): SourceCa {
  const file =
    source.read('cacert.pem') ??
    fail('cacert.pem', 'no such file', 'name the directory that holds it, with private/ and index.txt');
  const der = certificateIn(file) ?? fail('cacert.pem', 'holds no certificate in PEM');
  const facts = parseCertificate(der) ?? fail('cacert.pem', 'holds no certificate that can be read');
  if (!facts.isCa)
    fail(
      'cacert.pem',
      'is no CA certificate (no basicConstraints with cA, RFC 5280 §4.2.1.9)',
      'make a new CA with "sealpost init", and let the old certificates in with "sealpost trust add"',
    );
  if (!sameBytes(facts.subject, facts.issuer))
    fail(
      'cacert.pem',
      'is not self-signed: the CA above it would have to come along',
      'import the directory of the root, or make a new CA with "sealpost init"',
    );
  try {
    acceptPublicKey(facts.publicKey);
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    fail(
      'cacert.pem',
      `${error.message}, so no TLS library believes what it signs`,
      'make a new CA with "sealpost init", and issue anew',
    );
  }
  return { der, facts };
}

/** The issuing key's file, under the passphrase it had. */
async function readKey(
  context: CustodyContext,
  source: SourceDirectory,
  certificate: Bytes,
  ask: AskPassphrase,
  fail: Fail,
): Promise<Bytes> {
  const path = 'private/cakey.pem';
  const pem = source.read(path) ?? fail(path, 'no such file');
  const { key, passphrase } = await openSourceKey(pem, path, ask, fail);
  const facts = parseCertificate(certificate);
  if (facts === undefined || !sameBytes(publicKeyOf(key), facts.publicKey)) fail(path, 'is not the key of cacert.pem');
  try {
    // Whatever else would keep it from signing shows now and not with the first holder.
    localDoor({ root: certificate, issuing: certificate, issuingKey: key, terms: usualTerms }).close();
  } catch (error) {
    fail(path, error instanceof Error ? error.message : String(error));
  }
  return passphrase === undefined ? keyFile(key) : await lockKey(key, passphrase, context.random);
}

async function openSourceKey(
  pem: Uint8Array,
  path: string,
  ask: AskPassphrase,
  fail: Fail,
): Promise<{ readonly key: KeyObject; readonly passphrase: string | undefined }> {
  // The old form of OpenSSL, which CA.pl wrote in its time, says so in a header.
  const old = latin1(pem).includes('Proc-Type: 4,ENCRYPTED');
  if (!old && isLocked(pem) !== true) {
    try {
      return { key: openKey(pem), passphrase: undefined };
    } catch (error) {
      return fail(path, error instanceof KeyFault ? error.message : String(error));
    }
  }
  for (let wrong = 0; ; wrong++) {
    const passphrase = await ask('keys', wrong);
    if (passphrase === undefined)
      return fail(
        path,
        wrong === 0 ? 'the key is under a passphrase' : 'the passphrase does not open the key',
        'give it at the prompt, or by --ca-passphrase-fd',
      );
    try {
      const key = old
        ? createPrivateKey({ key: Buffer.from(pem), format: 'pem', passphrase })
        : openKey(pem, passphrase);
      return { key, passphrase };
    } catch {
      // A wrong one may give any octets, so what OpenSSL says of them means nothing.
    }
  }
}

function readRecords(
  context: CustodyContext,
  source: SourceDirectory,
  ca: SourceCa,
  fail: Fail,
  warnings: string[],
): LedgerRecord[] {
  const text = source.read(DATABASE) ?? fail(DATABASE, 'no such file');
  let entries: IndexEntry[];
  try {
    entries = parseIndex(Buffer.from(text).toString('utf8'));
  } catch (error) {
    if (!(error instanceof IndexFault)) throw error;
    throw new OperationError(
      'failed',
      `${source.path}/${DATABASE}:${error.message}`,
      'repair the line; nothing was taken over',
      error,
    );
  }
  const certificates = issuedCertificates(source);
  const now = context.clock.now();
  const records: LedgerRecord[] = [];
  const weak: string[] = [];
  for (const entry of entries) {
    const der = certificates.get(entry.serial);
    if (der !== undefined && sameBytes(der, ca.der)) continue; // CA.pl has the CA itself in it
    const facts = der === undefined ? undefined : parseCertificate(der);
    if (der === undefined || facts === undefined) {
      if (entry.withdrawn === undefined)
        warnings.push(
          `${DATABASE}:${entry.line}: certificate ${entry.serial} (${entry.subject}) is in no file of newcerts/ or certs/: it is not known here, and refused`,
        );
      else records.push(withoutFile(entry, ca, now));
      continue;
    }
    if (!sameBytes(facts.issuer, ca.facts.subject)) {
      warnings.push(
        `${DATABASE}:${entry.line}: certificate ${entry.serial} (${entry.subject}) is of another CA: left out`,
      );
      continue;
    }
    if (isWeak(facts)) weak.push(entry.serial);
    records.push(recordOf(entry, der, facts, now));
  }
  if (weak.length > 0)
    warnings.push(
      `certificates ${weak.join(', ')} have keys that no TLS library takes any more: they are in the ledger, and their holders need new ones`,
    );
  return records;
}

/** All certificates in the files of the directory, by serial number. */
function issuedCertificates(source: SourceDirectory): Map<string, Bytes> {
  const found = new Map<string, Bytes>();
  for (const folder of ['certs', 'newcerts']) {
    for (const name of source.list(folder)) {
      const file = /\.(?:pem|crt|cer)$/i.test(name) ? source.read(`${folder}/${name}`) : undefined;
      const der = file === undefined ? undefined : certificateIn(file);
      const serial = der === undefined ? undefined : parseCertificate(der)?.serial;
      if (der !== undefined && serial !== undefined) found.set(serial, der);
    }
  }
  return found;
}

function certificateIn(file: Uint8Array): Bytes | undefined {
  return decodePem(latin1(file)).find(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE')?.der;
}

function recordOf(entry: IndexEntry, der: Bytes, facts: Certificate, now: number): LedgerRecord {
  return {
    ...stateOf(entry),
    serial: facts.serial,
    holder: holderOf(facts, entry),
    profile: profileOf(facts),
    subject: encodeName(facts.subject),
    issuer: encodeName(facts.issuer),
    fingerprint: fingerprintOf(der),
    notBefore: facts.notBefore,
    notAfter: facts.notAfter,
    issuedAt: Math.min(facts.notBefore, now),
    certificate: der,
  };
}

/** A withdrawn certificate whose file is gone: it stays on the CRL, and that is all it is needed for. */
function withoutFile(entry: IndexEntry, ca: SourceCa, now: number): LedgerRecord {
  return {
    ...stateOf(entry),
    serial: entry.serial,
    holder: `unknown-${entry.serial}`,
    profile: 'device',
    subject: entry.subject,
    issuer: encodeName(ca.facts.subject),
    // That of nothing: no certificate will ever have it.
    fingerprint: fingerprintOf(new Uint8Array(0)),
    notBefore: 0,
    notAfter: entry.notAfter,
    issuedAt: Math.min(entry.withdrawn?.at ?? now, now),
    certificate: new Uint8Array(0),
  };
}

function stateOf({
  withdrawn,
}: IndexEntry): Pick<LedgerRecord, 'state' | 'revokedAt' | 'reason' | 'replacedBy' | 'overlapEnds'> {
  const joined = { replacedBy: undefined, overlapEnds: undefined };
  if (withdrawn === undefined) return { state: 'active', revokedAt: undefined, reason: undefined, ...joined };
  if (withdrawn.held) return { state: 'suspended', revokedAt: undefined, reason: undefined, ...joined };
  return { state: 'revoked', revokedAt: withdrawn.at, reason: withdrawn.reason, ...joined };
}

/** Whose it is: the address or host that it names; old certificates have the address in their subject. */
function holderOf(facts: Certificate, entry: IndexEntry): string {
  const [address] = facts.emails;
  const inSubject = readName(facts.subject).find(({ type }) => type === oids.emailAddress);
  const named =
    address ??
    (inSubject && Buffer.from(inSubject.value).toString('latin1')) ??
    facts.dnsNames[0] ??
    decodeXtext(commonName(facts.subject));
  const plain = named.trim().toLowerCase();
  return plain === '' || plain.startsWith('badcertificate') ? `unknown-${entry.serial}` : plain;
}

function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_all, pair: string) => String.fromCharCode(Number.parseInt(pair, 16)));
}

/** A certificate without purposes is good for all (RFC 5280 §4.2.1.12); one for servers alone is no holder's. */
function profileOf(facts: Certificate): ProfileName {
  const purposes = facts.extendedKeyUsage;
  if (purposes !== undefined && !purposes.includes(oids.clientAuth)) return 'server';
  const hasAddress = facts.emails.length > 0 || readName(facts.subject).some(({ type }) => type === oids.emailAddress);
  return hasAddress ? 'person' : 'device';
}

function isWeak(facts: Certificate): boolean {
  try {
    acceptPublicKey(facts.publicKey);
    return false;
  } catch {
    return true;
  }
}

/** The highest number of a CRL that was given out, by its files. */
function lastCrlNumber(source: SourceDirectory): number | undefined {
  const next = /^\s*([0-9A-Fa-f]{1,13})\s*$/.exec(
    Buffer.from(source.read('crlnumber') ?? utf8('')).toString('latin1'),
  )?.[1];
  const numbers = next === undefined ? [] : [Number.parseInt(next, 16) - 1];
  const folders = ['', 'crl/'].flatMap((folder) =>
    folder === '' ? ['crl.pem'] : source.list('crl').map((name) => `${folder}${name}`),
  );
  for (const path of folders) {
    const file = source.read(path);
    const der = file === undefined ? undefined : pemBlock(file, 'X509 CRL');
    const reading = der === undefined ? undefined : readCrl(der);
    if (reading?.kind === 'list' && reading.list.number !== undefined) numbers.push(Number(reading.list.number));
  }
  const known = numbers.filter((number) => Number.isSafeInteger(number) && number > 0);
  return known.length === 0 ? undefined : Math.max(...known);
}
