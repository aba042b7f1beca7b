/** From a wish to a certificate in the ledger: the steps that all operations which sign have in common. */
import { latin1, utf8, type Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import type { SigningDoor } from '../ca/authority.ts';
import { fingerprintOf } from '../ca/keys.ts';
import type { LedgerRecord, ProfileName } from '../ca/ledger.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { authorityFiles } from '../ca/setup.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { decodePem, encodePem } from '../protocol/pki/pem.ts';
import { MAX_REQUEST } from '../protocol/pki/request.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

/** What the operations on certificates need; `init` has no more than this. */
export type CertificateContext = Pick<
  AdminContext,
  'clock' | 'random' | 'events' | 'ledger' | 'door' | 'files' | 'live'
>;

/** Certificates begin a little before they are issued, for machines whose clock is slow; less than a CA is backdated. */
const BACKDATE: Ms = 300_000;
/** A CRL is renewed with each revocation; one that nobody renews is to be missed within a month. */
export const CRL_LIFE: Ms = 30 * 86_400_000;

export interface Wish {
  readonly profile: ProfileName;
  readonly holder: string;
  readonly csr: Uint8Array | undefined;
  readonly publicKey: Uint8Array | undefined;
  readonly dnsNames: readonly string[];
  /** Undefined: the profile's. */
  readonly life: Ms | undefined;
}

export interface Issued {
  readonly record: LedgerRecord;
  readonly certificate: Bytes;
  readonly chain: readonly Bytes[];
}

/** Opens the door, and closes it whatever happens. What it refuses and why it does not open become OperationErrors. */
export async function throughDoor<T>(context: CertificateContext, act: (door: SigningDoor) => Promise<T>): Promise<T> {
  let door: SigningDoor;
  try {
    door = await context.door();
  } catch (error) {
    throw new OperationError(
      'failed',
      `the authority cannot sign: ${error instanceof Error ? error.message : String(error)}`,
      undefined,
      error,
    );
  }
  try {
    return await act(door);
  } catch (error) {
    throw refusalToError(error);
  } finally {
    door.close();
  }
}

/** A refusal of the authority is about what was asked for; anything else goes on as it is. */
export function refusalToError(error: unknown): unknown {
  return error instanceof RequestRefused ? new OperationError('usage', error.message, undefined, error) : error;
}

/** Has a certificate signed and puts it in the ledger; only then it is told and given away. */
export async function issueInto(context: CertificateContext, door: SigningDoor, wish: Wish): Promise<Issued> {
  const now = context.clock.now();
  const notBefore = Math.floor((now - BACKDATE) / 1000) * 1000;
  const { profile, holder, csr, publicKey, dnsNames, life } = wish;
  const serial = context.random.bytes(16);
  const notAfter = life === undefined ? undefined : notBefore + life;
  const { certificate, chain } = await door.issue({
    profile,
    holder,
    csr,
    publicKey,
    dnsNames,
    uris: [],
    subject: undefined,
    serial,
    notBefore,
    notAfter,
  });
  const record = recordOf(certificate, profile, holder, now);
  context.ledger.add(record);
  context.events.tell({
    kind: 'issued',
    serial: record.serial,
    holder,
    profile,
    subject: record.subject,
    notAfter: record.notAfter,
  });
  return { record, certificate, chain };
}

function recordOf(der: Bytes, profile: ProfileName, holder: string, now: Ms): LedgerRecord {
  const certificate = parseCertificate(der);
  if (certificate === undefined) throw new Error('the signer gave something that is no certificate');
  return {
    serial: certificate.serial,
    holder,
    profile,
    subject: encodeName(certificate.subject),
    issuer: encodeName(certificate.issuer),
    fingerprint: fingerprintOf(der),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    issuedAt: now,
    state: 'active',
    revokedAt: undefined,
    reason: undefined,
    certificate: der,
  };
}

/** A CRL of all that is revoked, to its file. */
export async function writeCrl(context: CertificateContext, door: SigningDoor): Promise<void> {
  const now = context.clock.now();
  const revoked = context.ledger.find({ state: 'revoked' }).filter(({ notAfter }) => mustBeListed(notAfter, now));
  const crl = await door.signCrl({
    number: context.ledger.nextCrlNumber(),
    thisUpdate: now,
    nextUpdate: now + CRL_LIFE,
    revoked: revoked.map(({ serial, revokedAt, reason }) => ({
      serial,
      at: revokedAt ?? now,
      reason: reason ?? 'unspecified',
    })),
  });
  await context.files.write(authorityFiles.crl, utf8(encodePem('X509 CRL', crl)), 'public');
}

/** RFC 5280 §3.3: an entry stays until a CRL after the certificate's end has had it; two lives of a CRL see to that. */
function mustBeListed(notAfter: Ms, now: Ms): boolean {
  return now - notAfter < 2 * CRL_LIFE;
}

const REQUEST_LABELS: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

/** The DER of a request given as PEM or DER. Throws OperationError. */
export function readCsr(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 4 * MAX_REQUEST)
    throw new OperationError('usage', `the file has ${bytes.length} octets: too many for a certificate request`);
  if (bytes[0] === 0x30) return bytes;
  const blocks = decodePem(latin1(bytes));
  const request = blocks.find(({ label }) => REQUEST_LABELS.includes(label));
  if (request !== undefined) return request.der;
  const [other] = blocks;
  if (other === undefined) throw new OperationError('usage', 'the file is no certificate request: neither PEM nor DER');
  const hint = other.label.endsWith('PRIVATE KEY')
    ? 'this is the private key: it stays where it is; send the request made with it'
    : undefined;
  throw new OperationError('usage', `the file holds a ${other.label}, not a CERTIFICATE REQUEST`, hint);
}
