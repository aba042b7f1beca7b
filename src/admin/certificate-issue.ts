/** The operations' way to the CA: issuing and revocation lists in the operator's name, and refusals in words for operators. */
import { latin1, utf8 } from '../base/bytes.ts';
import { issue, signCrl, type Issued, type Wish } from '../ca/issuance.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { AuthorityUnavailable } from '../ca/unavailable.ts';
import { authorityFiles } from '../ca/setup.ts';
import { decodePem, encodePem } from '../protocol/pki/pem.ts';
import { MAX_REQUEST } from '../protocol/pki/request.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

/** What the operations on certificates need; `init` has no more than this. */
export type CertificateContext = Pick<
  AdminContext,
  'actor' | 'clock' | 'random' | 'events' | 'ledger' | 'door' | 'files' | 'live'
>;

/** Does what needs a signature. What the authority refuses becomes an OperationError. */
export async function signing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw refusalToError(error);
  }
}

/** The same for a check that signs nothing. */
export function checked<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw refusalToError(error);
  }
}

/** A refusal of the authority is about what was asked for; anything else goes on as it is. */
function refusalToError(error: unknown): unknown {
  if (error instanceof RequestRefused) return new OperationError('usage', error.message, undefined, error);
  return error instanceof AuthorityUnavailable ? new OperationError('failed', error.message, error.hint, error) : error;
}

/** Has a certificate signed and recorded in the name of whoever runs the operation. */
export function issueInto(
  context: CertificateContext,
  wish: Wish,
  why: string = 'asked for by the operator',
): Promise<Issued> {
  return issue(context, wish, context.actor, why);
}

/** A CRL of all that is withdrawn, to its files. */
export async function writeCrl(context: CertificateContext): Promise<void> {
  const { crl, plain } = await signCrl(context, context.actor);
  await context.files.write(authorityFiles.plainCrl, utf8(encodePem('X509 CRL', plain)), 'public');
  await context.files.write(authorityFiles.crl, utf8(encodePem('X509 CRL', crl)), 'public');
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
