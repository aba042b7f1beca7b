/**
 * Step 3, identity: from what TLS found out and what the ledger knows to who the peer is. It decides whether a
 * certificate counts, never what its holder may do (that is `relay/access`), and it never trusts a certificate of our
 * own CA without a record, or one whose record is not active, however well its chain verifies.
 * Before it: `relay/connection`, which did the handshake. After it: `relay/access/decide.ts`.
 */
import type { Ms } from '../../base/clock.ts';
import type { PeerCertificate, TlsFacts } from '../connection/connection.ts';
import { readFacts, type CertificateCache } from './certificate-cache.ts';
import type { ForeignTrust } from './foreign.ts';
import type { CertificateFacts, HolderDirectory, IdentityReason, Principal } from './principal.ts';
import { identityReason } from './reason.ts';

/**
 * The principal of a connection. `cache` spares parsing a certificate seen before; with `now` a certificate that
 * expired since its chain was verified (a resumed session) is refused. `foreign`: the CAs from outside that are trusted
 * by rules of their own.
 */
export function identify(
  tls: TlsFacts | undefined,
  directory: HolderDirectory,
  cache?: CertificateCache,
  now?: Ms,
  foreign?: ForeignTrust,
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
  return judge(certificate, tls.certificate, directory, now, foreign);
}

/**
 * The principal as it is now: records change while sessions are open, so ask before each transaction. Costs one look-up;
 * gives back the same object when nothing changed. With `now`, a certificate that ran out since counts as expired.
 */
export function current(principal: Principal, directory: HolderDirectory, now?: Ms, foreign?: ForeignTrust): Principal {
  if (principal.kind === 'anonymous') return principal;
  // The other refusals are those of TLS, or for good; behind these a chain verified.
  if (principal.kind === 'unverified' && !PASSING.has(principal.reason)) return principal;
  const next = stillTrusted(principal, judge(principal.certificate, principal.shown, directory, now, foreign));
  return isSame(next, principal) ? principal : next;
}

/** A CA that was trusted by name and is trusted no more leaves nothing behind, whatever the access map says of it. */
function stillTrusted(before: CertifiedPrincipal, next: CertifiedPrincipal): CertifiedPrincipal {
  if (before.foreign === undefined || next.foreign?.authority === before.foreign.authority) return next;
  const gone = next.kind === 'verified' || next.reason === 'no-chain';
  return gone ? refused('unknown-ca', next.certificate, undefined) : next;
}

/** Refusals that are ours and can end: the ledger's, or those of lists and rules of a CA from outside. */
const PASSING: ReadonlySet<IdentityReason> = new Set(['suspended', 'not-issued', 'no-status']);

function isSame(one: CertifiedPrincipal, other: CertifiedPrincipal): boolean {
  return (
    one.kind === other.kind &&
    one.holder === other.holder &&
    reasonOf(one) === reasonOf(other) &&
    one.foreign?.authority === other.foreign?.authority &&
    one.foreign?.rule?.source === other.foreign?.rule?.source &&
    one.foreign?.name === other.foreign?.name &&
    one.foreign?.mapDecides === other.foreign?.mapDecides
  );
}

type CertifiedPrincipal = Exclude<Principal, { readonly kind: 'anonymous' }>;

/** For a certificate whose chain verified. */
function judge(
  certificate: CertificateFacts,
  shown: PeerCertificate | undefined,
  directory: HolderDirectory,
  now: Ms | undefined,
  foreign: ForeignTrust | undefined,
): CertifiedPrincipal {
  const record = recordOf(certificate, directory);
  if (record === undefined && directory.isOwnIssuer(certificate.issuer))
    return { ...refused('not-issued', certificate, undefined), shown };
  // Without a fingerprint the record is found by name and number, which a CA from outside can write as it likes.
  const proven = record?.fingerprint !== undefined;
  const judgement = proven || shown === undefined ? undefined : foreign?.judge(shown, now ?? 0);
  if (record !== undefined) {
    if (judgement !== undefined && judgement.kind !== 'other')
      return { ...refused('not-issued', certificate, undefined), shown };
    if (record.state !== 'active') return { ...refused(record.state, certificate, record.holder), shown };
  }
  if (now !== undefined && now > certificate.notAfter) return refused('expired', certificate, record?.holder);
  if (judgement?.kind === 'refused')
    return { ...refused(judgement.reason, certificate, undefined), foreign: judgement.foreign, shown };
  const kept = proven ? undefined : shown;
  return {
    kind: 'verified',
    verify: 'OK',
    certificate,
    holder: record?.holder,
    ...(judgement?.kind === 'trusted' ? { foreign: judgement.foreign } : {}),
    ...(kept === undefined ? {} : { shown: kept }),
  };
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
