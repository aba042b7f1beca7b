import type { IdentityReason } from './principal.ts';

/** The reason in the words a user reads after `Relaying denied:`; no policy, path or name is in them. */
export const reasonText: Readonly<Record<IdentityReason, string>> = {
  'no-tls': 'no client certificate was shown, because the connection is not encrypted (use STARTTLS)',
  'not-asked': 'no client certificate was shown, because this port does not ask for one',
  'no-certificate': 'no client certificate was shown',
  'unknown-ca': 'the client certificate was issued by a CA that is not trusted here',
  'self-signed': 'the client certificate is self-signed and not trusted here',
  expired: 'the client certificate has expired',
  'not-yet-valid': 'the client certificate is not yet valid',
  'wrong-use': 'the client certificate is not for TLS clients',
  weak: 'the client certificate has a key or signature that is too weak',
  revoked: 'the client certificate has been revoked',
  suspended: 'the client certificate is suspended',
  'not-issued': 'the client certificate is not on record here',
  'no-chain': 'the client certificate came without the certificates between it and its root; send the whole chain',
  'no-status':
    'it cannot be told now whether the client certificate was revoked, because the revocation list of its CA is missing or has run out',
  'not-verified': 'the client certificate could not be verified',
};

/** Words of OpenSSL's verification as Node gives them, without their prefix. What is missing here is 'not-verified'. */
const reasons: Readonly<Record<string, IdentityReason>> = {
  UNABLE_TO_GET_ISSUER_CERT: 'unknown-ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown-ca',
  CERT_UNTRUSTED: 'unknown-ca',
  CERT_REJECTED: 'unknown-ca',
  INVALID_CA: 'unknown-ca',
  // With a root that the peer sent itself: its own CA, not one of ours.
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown-ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  INVALID_PURPOSE: 'wrong-use',
  CERT_REVOKED: 'revoked',
  EE_KEY_TOO_SMALL: 'weak',
  CA_KEY_TOO_SMALL: 'weak',
  CA_MD_TOO_WEAK: 'weak',
};

/** The reason for a `verifyError` of TlsFacts. */
export function identityReason(code: string): IdentityReason {
  return Object.hasOwn(reasons, code) ? (reasons[code] as IdentityReason) : 'not-verified';
}
