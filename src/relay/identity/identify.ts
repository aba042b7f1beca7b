/**
 * Step 3, identity: from what TLS found out and what the ledger knows to who the peer is. It decides whether a
 * certificate counts, never what its holder may do (that is `relay/access`), and it never trusts a certificate of our
 * own CA without a record, or one whose record is not active, however well its chain verifies.
 * Before it: `relay/connection`, which did the handshake. After it: `relay/access/decide.ts`.
 */
import type { Ms } from '../../base/clock.ts';
import type { PeerCertificate, TlsFacts } from '../connection/connection.ts';
import { readFacts, type CertificateCache } from './certificate-cache.ts';
import type { CertificateFacts, HolderDirectory, IdentityReason, Principal } from './principal.ts';
import { identityReason } from './reason.ts';

/**
 * The principal of a connection. `cache` spares parsing a certificate seen before; with `now` a certificate that
 * expired since its chain was verified (a resumed session) is refused.
 */
export function identify(
  tls: TlsFacts | undefined,
  directory: HolderDirectory,
  cache?: CertificateCache,
  now?: Ms,
): Principal {
  if (tls === undefined) return { kind: 'anonymous', verify: '', reason: 'no-tls' };
  if (tls.certificate === undefined) {
    return tls.asked
      ? { kind: 'anonymous', verify: 'NO', reason: 'no-certificate' }
      : { kind: 'anonymous', verify: 'NOT', reason: 'not-asked' };
  }
  const certificate = cache === undefined ? readFacts(tls.certificate) : cache.facts(tls.certificate);
  // OpenSSL read what we cannot: then we do not know whose it is.
  if (certificate === undefined) return refused('not-verified', unreadable(tls.certificate), undefined);
  if (tls.verifyError !== undefined) {
    const record = recordOf(certificate, directory);
    return refused(identityReason(tls.verifyError), certificate, record?.holder);
  }
  return judge(certificate, directory, now);
}

/**
 * The principal as it is now: records change while sessions are open, so ask before each transaction. Costs one look-up;
 * gives back the same object when nothing changed. With `now`, a certificate that ran out since counts as expired.
 */
export function current(principal: Principal, directory: HolderDirectory, now?: Ms): Principal {
  if (principal.kind === 'anonymous') return principal;
  // Of the refusals only these two are the directory's alone and can end; the chain behind them verified.
  if (principal.kind === 'unverified' && principal.reason !== 'suspended' && principal.reason !== 'not-issued')
    return principal;
  const next = judge(principal.certificate, directory, now);
  const same =
    next.kind === principal.kind && next.holder === principal.holder && reasonOf(next) === reasonOf(principal);
  return same ? principal : next;
}

type CertifiedPrincipal = Exclude<Principal, { readonly kind: 'anonymous' }>;

/** For a certificate whose chain verified. */
function judge(certificate: CertificateFacts, directory: HolderDirectory, now: Ms | undefined): CertifiedPrincipal {
  const record = recordOf(certificate, directory);
  if (record === undefined && directory.isOwnIssuer(certificate.issuer))
    return refused('not-issued', certificate, undefined);
  if (record !== undefined && record.state !== 'active') return refused(record.state, certificate, record.holder);
  if (now !== undefined && now > certificate.notAfter) return refused('expired', certificate, record?.holder);
  return { kind: 'verified', verify: 'OK', certificate, holder: record?.holder };
}

/** The record of this very certificate: different names can print alike (see protocol/pki/name.ts), fingerprints do not. */
function recordOf(certificate: CertificateFacts, directory: HolderDirectory): ReturnType<HolderDirectory['find']> {
  const record = directory.find(certificate.issuer, certificate.serial);
  return record?.fingerprint === undefined || record.fingerprint === certificate.fingerprint ? record : undefined;
}

function refused(
  reason: IdentityReason,
  certificate: CertificateFacts,
  holder: string | undefined,
): CertifiedPrincipal {
  return { kind: 'unverified', verify: 'FAIL', reason, certificate, holder };
}

function reasonOf(principal: CertifiedPrincipal): IdentityReason | undefined {
  return principal.kind === 'unverified' ? principal.reason : undefined;
}

function unreadable(certificate: PeerCertificate): CertificateFacts {
  return {
    subject: '',
    issuer: '',
    commonName: 'BadCertificateUnknown',
    issuerCommonName: 'BadCertificateUnknown',
    serial: '',
    fingerprint: certificate.fingerprint,
    notAfter: 0,
    emails: [],
    dnsNames: [],
  };
}
