/** Revocation by ACME (RFC 8555 §7.6), and renewal information (RFC 9773). */
import { hex } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { refuse } from '../../protocol/acme/problem.ts';
import { namesCertificate, parseRenewalId } from '../../protocol/acme/renewal-id.ts';
import { readRevocation } from '../../protocol/acme/resources.ts';
import { timestamp } from '../../protocol/acme/time.ts';
import { parseCertificate, type Certificate } from '../../protocol/pki/certificate.ts';
import type { LedgerRecord, RevocationReason } from '../ledger.ts';
import type { WebResponse } from '../web.ts';
import { emptyAnswer, jsonAnswer } from './answer.ts';
import { actorOf, bindingOf, type AccountRequest, type KeyRequest } from './caller.ts';
import type { AcmeServices } from './services.ts';
import { subjectPublicKey } from './signature.ts';

/** CRLReason (RFC 5280 §5.3.1) that a client may give; the others are the CA's own, or for a pause that we do not have. */
const reasons: Readonly<Record<number, RevocationReason>> = {
  0: 'unspecified',
  1: 'keyCompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
};

export async function revokeCertificate(
  services: AcmeServices,
  request: AccountRequest | KeyRequest,
): Promise<WebResponse> {
  const { authority } = services;
  const { certificate: der, reason: code } = readRevocation(request.payload);
  const certificate = parseCertificate(der);
  const record = certificate && authority.certificate(certificate.serial);
  if (certificate === undefined || record === undefined || hex(record.certificate) !== hex(der))
    refuse('malformed', 'this is no certificate of this CA', { status: 404 });
  if (!mayRevoke(services, request, record, certificate))
    refuse('unauthorized', 'neither the account nor the key that asks has a right to this certificate');
  const reason = reasons[code ?? 0];
  if (reason === undefined)
    refuse(
      'badRevocationReason',
      `reason ${code} cannot be given here; take one of ${Object.keys(reasons).join(', ')}`,
    );
  if (record.state === 'revoked') refuse('alreadyRevoked', 'the certificate was revoked before');
  const by = request.kind === 'account' ? actorOf(request) : 'acme:certificate-key';
  await authority.revoke(record, reason, by);
  return emptyAnswer(200);
}

/** The certificate's own key; the account that ordered it; an account of its holder that has all of its names. */
function mayRevoke(
  services: AcmeServices,
  request: AccountRequest | KeyRequest,
  record: LedgerRecord,
  { publicKey, dnsNames }: Certificate,
): boolean {
  if (request.kind === 'key') return hex(subjectPublicKey(request.key)) === hex(publicKey);
  if (services.store.orderOf(record.serial)?.account === request.account.id) return true;
  const { holder, names } = bindingOf(services, request.account);
  return holder === record.holder && dnsNames.length > 0 && dnsNames.every((name) => names.includes(name));
}

/** When a client shall ask again: often enough that a revocation is noticed the same day (RFC 9773 §4.3). */
const ASK_AGAIN: Ms = 6 * 3_600_000;

/** GET without a signature: what is told is in the CRL as well, or follows from the certificate. */
export function renewalInfo({ authority, clock }: AcmeServices, text: string): WebResponse {
  const id = parseRenewalId(text);
  if (id === undefined)
    refuse(
      'malformed',
      "this is no name of a certificate: base64url of the issuer's key identifier, a dot, base64url of the serial number",
    );
  const record = authority.certificate(id.serial);
  const certificate = record && parseCertificate(record.certificate);
  if (record === undefined || certificate === undefined || !namesCertificate(id, certificate))
    refuse('malformed', 'there is no such certificate', { status: 404 });
  const { start, end } = suggestedWindow(record, clock.now());
  const value = { suggestedWindow: { start: timestamp(start), end: timestamp(end) } };
  return jsonAnswer(200, value, { 'retry-after': String(ASK_AGAIN / 1_000) });
}

/**
 * In the last third of the certificate's life, half of that long, so that a fleet does not come at once; in the past
 * for one that was revoked, which means now (RFC 9773 §4.2).
 */
export function suggestedWindow(
  { notBefore, notAfter, state }: Pick<LedgerRecord, 'notBefore' | 'notAfter' | 'state'>,
  now: Ms,
): { readonly start: Ms; readonly end: Ms } {
  const third = Math.floor((notAfter - notBefore) / 3);
  if (state === 'revoked') return { start: now - 2 * 3_600_000, end: now - 3_600_000 };
  return { start: notAfter - third, end: notAfter - Math.floor(third / 2) };
}
