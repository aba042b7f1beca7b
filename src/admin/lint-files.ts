/**
 * The facts that lint judges: certificates, keys, revocation lists and a CA's records, as they lie in files. Which files
 * are read, and how, is the caller's.
 */
import { X509Certificate, createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { posix } from 'node:path';
import { hex, latin1 } from '../base/bytes.ts';
import { IndexFault, parseIndex } from '../ca/openssl-index.ts';
import { encodeWritten, readWrittenName } from '../config/lint/written-name.ts';
import type {
  CertificateRole,
  FoundCertificate,
  FoundFiles,
  FoundKey,
  FoundList,
  IssuedRecord,
} from '../config/lint/input.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { readCrl } from '../protocol/pki/crl-read.ts';
import { DerReader, tags } from '../protocol/pki/der.ts';
import { encodeName } from '../protocol/pki/name.ts';

/** A file as it was read; `mode` undefined: not known. */
export interface ReadFile {
  readonly path: string;
  readonly mode: number | undefined;
  readonly bytes: Uint8Array;
}

/** Which files settings name. */
export interface FileRoles {
  roles(path: string): ReadonlySet<CertificateRole>;
  /** The file is the one of confCRL. */
  isRevocation(path: string): boolean;
}

type Facts = Pick<FoundFiles, 'certificates' | 'keys' | 'lists' | 'issued' | 'bundles'>;

export function readFacts(files: readonly ReadFile[], named: FileRoles): Facts {
  const certificates: FoundCertificate[] = [];
  const keys: FoundKey[] = [];
  const lists: FoundList[] = [];
  const bundles: string[] = [];
  for (const file of files) {
    if (/\.(p12|pfx)$/i.test(file.path)) bundles.push(file.path);
    const blocks = blocksOf(file);
    let number = 0;
    for (const block of blocks) {
      if (block.label === 'CERTIFICATE' || block.label === 'X509 CERTIFICATE' || block.label === 'TRUSTED CERTIFICATE')
        certificates.push(...certificateIn(file, block, named.roles(file.path)));
      else if (block.label.endsWith('PRIVATE KEY')) keys.push(keyIn(file, block, named.roles(file.path)));
      else if (block.label === 'X509 CRL') lists.push(listIn(file, block, number++, named.isRevocation(file.path)));
    }
  }
  const issued = files.filter(({ path }) => posix.basename(path) === 'index.txt');
  return {
    // Where a certificate lies twice, the file that settings name comes first.
    certificates: certificates.toSorted((a, b) => b.roles.size - a.roles.size),
    keys,
    lists,
    bundles,
    issued: issued.flatMap((file) => recordsIn(file, certificates)),
  };
}

interface Block {
  readonly label: string;
  readonly der: Uint8Array;
  /** The block with its boundary lines. */
  readonly text: string;
  readonly line: number;
}

function blocksOf({ path, bytes }: ReadFile): Block[] {
  const text = latin1(bytes);
  if (!text.includes('-----BEGIN ')) {
    // A certificate in DER is a SEQUENCE of more than 127 octets.
    const isDer = /\.(der|crt|cer)$/i.test(path) && bytes[0] === 0x30 && bytes[1] === 0x82;
    return isDer ? [{ label: 'CERTIFICATE', der: bytes, text: '', line: 1 }] : [];
  }
  const blocks: Block[] = [];
  let [line, at] = [1, 0];
  for (const { index, 0: whole, 1: label = '', 2: body = '' } of text.matchAll(
    /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*(?:-(?!----)[^-]*)*)-----END \1-----/g,
  )) {
    for (; at < index; at++) if (text.charCodeAt(at) === 10) line += 1;
    const base64 = body.replace(/^[\s\S]*?\n\r?\n(?=[A-Za-z0-9+/=\s]*$)/, '');
    blocks.push({ label, der: new Uint8Array(Buffer.from(base64, 'base64')), text: whole, line });
  }
  return blocks;
}

function certificateIn(file: ReadFile, { der, line }: Block, roles: ReadonlySet<CertificateRole>): FoundCertificate[] {
  const parsed = parseCertificate(der);
  if (parsed === undefined) return [];
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(der);
  } catch {
    return []; // what OpenSSL cannot read is shown to nobody
  }
  return [
    {
      file: file.path,
      line,
      der,
      parsed,
      subject: encodeName(parsed.subject),
      issuer: encodeName(parsed.issuer),
      fingerprint: hex(createHash('sha256').update(der).digest()),
      algorithm: algorithmOf(der),
      rsaBits: rsaBitsOf(x509),
      selfSigned: isSelfSigned(x509),
      roles,
    },
  ];
}

/** Dotted; `parseCertificate` has seen that it is there. */
function algorithmOf(der: Uint8Array): string {
  const certificate = new DerReader(der).read(tags.sequence);
  certificate.readWhole(tags.sequence);
  return certificate.read(tags.sequence).readOid();
}

function rsaBitsOf(x509: X509Certificate): number | undefined {
  try {
    const { publicKey } = x509;
    return publicKey.asymmetricKeyType === 'rsa' ? publicKey.asymmetricKeyDetails?.modulusLength : undefined;
  } catch {
    return undefined; // a kind of key that OpenSSL does not know
  }
}

function isSelfSigned(x509: X509Certificate): boolean {
  try {
    return x509.checkIssued(x509) && x509.verify(x509.publicKey);
  } catch {
    return false;
  }
}

function keyIn(file: ReadFile, { label, text, line }: Block, roles: ReadonlySet<CertificateRole>): FoundKey {
  const encrypted = label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(text);
  const used = new Set([...roles].filter((role) => role !== 'authority'));
  return {
    file: file.path,
    line,
    publicKey: encrypted ? undefined : publicKeyOf(text),
    encrypted,
    mode: file.mode,
    roles: used,
  };
}

/** The public half: the private one is not held longer than this takes. */
function publicKeyOf(pem: string): Uint8Array | undefined {
  try {
    return new Uint8Array(createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'der' }));
  } catch {
    return undefined;
  }
}

function listIn(file: ReadFile, { der, line }: Block, number: number, configured: boolean): FoundList {
  const reading = readCrl(der);
  const place = { file: file.path, line, number, configured };
  if (reading.kind === 'bad') return { ...place, issuer: undefined, nextUpdate: undefined };
  const { issuer, nextUpdate } = reading.list;
  return { ...place, issuer: encodeName(issuer), nextUpdate };
}

/** The database of `openssl ca`; it says nothing of the CA, whose certificate lies beside it. */
function recordsIn(file: ReadFile, certificates: readonly FoundCertificate[]): IssuedRecord[] {
  const directory = `${posix.dirname(file.path)}/`;
  const cas = certificates.filter(({ parsed, selfSigned }) => parsed.isCa || selfSigned);
  const beside = cas.filter((one) => one.file.startsWith(directory));
  const near = [
    beside.filter((one) => /^ca(?:cert)?\.(pem|crt)$/i.test(one.file.slice(directory.length))),
    beside,
    cas,
  ];
  const issuer = near.map((some) => new Set(some.map(({ subject }) => subject))).find(({ size }) => size === 1);
  const [name] = issuer ?? [];
  try {
    return parseIndex(latin1(file.bytes)).map(({ line, subject, serial, notAfter, withdrawn }) => ({
      file: file.path,
      line,
      // OpenSSL prints the name as it is: a plus sign in it is one.
      subject: encodeWritten(readWrittenName(subject.replaceAll('+', '+2B'))),
      issuer: name,
      serial,
      notAfter,
      withdrawn: withdrawn !== undefined,
    }));
  } catch (error) {
    if (error instanceof IndexFault) return [];
    throw error;
  }
}
