/**
 * A directory in which `openssl ca` goes on where this CA is: for those who leave, and for those who want to see that
 * they could. The key is read in the process of the command, and leaves under a passphrase.
 */
import { latin1, utf8, type Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { lockKey } from '../ca/encrypted-key.ts';
import type { LedgerRecord, ProfileName } from '../ca/ledger.ts';
import { writeIndex, type IndexRow } from '../ca/openssl-index.ts';
import { makePassphrase } from '../ca/passphrase.ts';
import { positiveSerial } from '../ca/authority-local.ts';
import { authorityFiles, certificateFile } from '../ca/setup.ts';
import { hex } from '../base/bytes.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { time } from '../protocol/pki/der-write.ts';
import { printName } from '../protocol/pki/name.ts';
import { pemBlock } from '../protocol/pki/pem.ts';
import { openIssuingKey, type AskPassphrase, type CustodyContext } from './custody.ts';

/** Where the files go. Paths are relative to the new directory. */
export interface TargetDirectory {
  /** For messages. */
  readonly path: string;
  write(path: string, bytes: Uint8Array, mode: 'public' | 'secret'): void;
}

export interface ExportedAuthority {
  readonly certificates: number;
  /** Of private/cakey.pem, when it was made here: it is told only now. */
  readonly passphrase: string | undefined;
  /** A command that goes on. */
  readonly command: string;
}

const PAGE = 10_000;

/** Throws OperationError when the issuing key cannot be opened. */
export async function exportAuthority(
  context: CustodyContext,
  target: TargetDirectory,
  wanted: string | undefined,
  ask: AskPassphrase,
): Promise<ExportedAuthority> {
  const { ledger, files, clock, random, actor } = context;
  const key = await openIssuingKey(context, ask);
  const passphrase = wanted ?? makePassphrase(random);
  const [issuing, root] = [
    await certificateOf(files, authorityFiles.issuingCertificate),
    await certificateOf(files, authorityFiles.rootCertificate),
  ];
  // The log first: that a key left is to be known even if the disk fails on the way.
  ledger.appendAudit(
    { action: 'exported', by: actor, detail: `issuing key and ledger to ${target.path}` },
    clock.now(),
  );

  target.write('cacert.pem', certificateFile([issuing]), 'public');
  target.write('root.pem', certificateFile([root]), 'public');
  target.write('private/cakey.pem', await lockKey(key, passphrase, random), 'secret');
  let count = 0;
  const rows: IndexRow[] = [];
  const now = clock.now();
  for (const record of allRecords(context)) {
    rows.push(rowOf(record, now));
    if (record.certificate.length > 0)
      target.write(`newcerts/${record.serial.toUpperCase()}.pem`, certificateFile([record.certificate]), 'public');
    count++;
  }
  // Signings that did not end are withdrawn, and there is no certificate to show.
  const known = new Set(rows.map(({ serial }) => serial));
  for (const { serial, at } of ledger.withdrawn(0)) {
    if (known.has(serial)) continue;
    const withdrawn = { at: timeText(at), reason: 'unspecified' } as const;
    rows.push({ serial, notAfter: timeText(now), ended: true, withdrawn, subject: '/CN=not issued' });
  }
  target.write('index.txt', utf8(writeIndex(rows)), 'public');
  target.write('index.txt.attr', utf8('unique_subject = no\n'), 'public');
  target.write('serial', utf8(`${hex(positiveSerial(random.bytes(16))).toUpperCase()}\n`), 'public');
  const next = ledger.nextCrlNumber().toString(16).toUpperCase();
  target.write('crlnumber', utf8(`${next.length % 2 === 0 ? next : `0${next}`}\n`), 'public');
  if (await files.has(authorityFiles.crl)) target.write('crl/crl.pem', await files.read(authorityFiles.crl), 'public');
  target.write('openssl.cnf', utf8(configuration(target.path)), 'public');
  return {
    certificates: count,
    passphrase: wanted === undefined ? passphrase : undefined,
    command: `openssl ca -config ${target.path}/openssl.cnf -extensions person -in request.pem -out certificate.pem`,
  };
}

function* allRecords({ ledger }: CustodyContext): Generator<LedgerRecord> {
  let after: LedgerRecord | undefined;
  for (;;) {
    const page = ledger.find({ limit: PAGE, after });
    yield* page;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

function rowOf(record: LedgerRecord, now: Ms): IndexRow {
  const { serial, notAfter, state, revokedAt, reason, certificate } = record;
  const facts = parseCertificate(certificate);
  const withdrawn =
    state === 'active'
      ? undefined
      : ({
          at: timeText(revokedAt ?? now),
          reason: state === 'suspended' ? 'certificateHold' : (reason ?? 'unspecified'),
        } as const);
  return {
    serial,
    notAfter: timeText(notAfter),
    ended: notAfter <= now,
    withdrawn,
    subject: facts === undefined ? record.subject : printName(facts.subject),
  };
}

/** The text in the DER of a time. */
function timeText(at: Ms): string {
  return latin1(time(at).subarray(2));
}

async function certificateOf(files: CustodyContext['files'], path: string): Promise<Bytes> {
  const der = pemBlock(await files.read(path), 'CERTIFICATE');
  if (der === undefined) throw new Error(`${path}: holds no certificate in PEM`);
  return der;
}

const purposes: Readonly<Partial<Record<ProfileName, string>>> = {
  server: 'serverAuth',
  person: 'clientAuth',
  device: 'clientAuth',
  service: 'clientAuth',
};

/** A configuration that issues as the profiles do; names come with the request. */
function configuration(path: string): string {
  const extensions = Object.entries(purposes).map(([profile, purpose]) =>
    [
      `[${profile}]`,
      'basicConstraints = CA:FALSE',
      'keyUsage = critical, digitalSignature',
      `extendedKeyUsage = ${purpose}`,
      'subjectKeyIdentifier = hash',
      'authorityKeyIdentifier = keyid',
      '',
    ].join('\n'),
  );
  return [
    `# Written by "sealpost ca export". Whoever issues here and goes on with Sealpost, too, has two CAs of one name.`,
    '[ca]',
    'default_ca = exported',
    '',
    '[exported]',
    `dir = ${path}`,
    'database = $dir/index.txt',
    'new_certs_dir = $dir/newcerts',
    'certificate = $dir/cacert.pem',
    'private_key = $dir/private/cakey.pem',
    'serial = $dir/serial',
    'rand_serial = yes',
    'crlnumber = $dir/crlnumber',
    'crl = $dir/crl/crl.pem',
    'crl_extensions = list',
    'default_md = sha256',
    'default_days = 397',
    'default_crl_days = 30',
    'policy = any',
    'copy_extensions = copy',
    'preserve = yes',
    'unique_subject = no',
    'string_mask = utf8only',
    'utf8 = yes',
    'x509_extensions = person',
    '',
    '[any]',
    ...[
      'countryName',
      'stateOrProvinceName',
      'localityName',
      'organizationName',
      'organizationalUnitName',
      'commonName',
      'emailAddress',
      'serialNumber',
      'domainComponent',
    ].map((name) => `${name} = optional`),
    '',
    '[list]',
    'authorityKeyIdentifier = keyid',
    '',
    ...extensions,
  ].join('\n');
}
