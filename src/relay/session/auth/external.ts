/**
 * EXTERNAL (RFC 4422 appendix A): the certificate of the TLS session is the login; the client may only say which of
 * its own names it wants to go by.
 */
import { fromUtf8 } from '../../../base/bytes.ts';
import type { Principal } from '../../identity/principal.ts';
import { reasonText } from '../../identity/reason.ts';
import { nothing, type AuthFacts, type AuthStep, type Mechanism } from './mechanism.ts';

export const external: Mechanism = {
  name: 'EXTERNAL',
  password: false,

  // RFC 4422 §A.1: "EXTERNAL" is for what was established outside of SASL, so without a verified certificate there
  // is nothing to offer; clients that always try what is offered must not be led into a failure.
  offered: (facts) => facts.principal.kind === 'verified',

  start(facts, initial) {
    const exchange = { respond: (response: Uint8Array) => decideExternal(facts, response) };
    // Without an initial response the server asks for it by an empty challenge (RFC 4954 §4).
    const first: AuthStep =
      initial === undefined ? { kind: 'challenge', challenge: nothing } : decideExternal(facts, initial);
    return { exchange, first };
  },
};

/** What a response says (RFC 4422 §A.2: an authorization identity in UTF-8 or nothing), and whether the peer may say it. */
export function decideExternal(facts: AuthFacts, response: Uint8Array): AuthStep {
  const { principal } = facts;
  if (principal.kind !== 'verified')
    return { kind: 'failure', status: 'auth-external-needs-certificate', reason: reasonText[principal.reason] };
  const wanted = fromUtf8(response);
  if (wanted === undefined || wanted.includes('\0'))
    return { kind: 'failure', status: 'auth-failed', reason: 'the identity is not UTF-8 text' };
  const own = ownName(principal);
  const { certificate, holder } = principal;
  if (wanted === '' || facts.anyIdentity === true) return { kind: 'success', identity: own, holder };
  const asked = wanted.toLowerCase();
  const names = [own, holder ?? own, certificate.subject, ...certificate.emails];
  if (!names.some((name) => name !== '' && name.toLowerCase() === asked))
    return { kind: 'failure', status: 'auth-failed', reason: 'the certificate does not carry this identity' };
  return { kind: 'success', identity: wanted, holder };
}

/** The name a certificate stands for when the client names none. */
function ownName(principal: Extract<Principal, { kind: 'verified' }>): string {
  return principal.holder ?? principal.foreign?.name ?? principal.certificate.subject;
}
