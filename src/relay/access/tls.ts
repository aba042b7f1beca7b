/**
 * What the access map demands of TLS, on either side: of clients (TLS_Clt:), of servers that we connect to (TLS_Srv:,
 * Try_TLS:) and for single recipients (TLS_Rcpt:). Pure, as decide.ts is. The session asks after STARTTLS and at MAIL,
 * `relay/delivery` when a hop has greeted and before each recipient.
 */
import { statuses, type StatusKey } from '../../base/status.ts';
import { replyOf } from '../../protocol/smtp/reply.ts';
import { clientName } from './answer.ts';
import { domainKey } from './domain.ts';
import type { AccessFacts } from './facts.ts';
import { Lookup, sendmailAddress } from './lookup.ts';
import type { AccessPolicy } from './policy.ts';
import { isWord } from './rule.ts';
import { tlsClt } from './tags/tls-clt.ts';
import { tlsRcpt } from './tags/tls-rcpt.ts';
import { tlsSrv } from './tags/tls-srv.ts';
import type { AccessTag } from './tags/tag.ts';
import { tryTls as tryTlsTag } from './tags/try-tls.ts';
import { parseTlsRequirement, tlsRefusal, unmet, type TlsPeer } from './tls-requirement.ts';
import type { TrailStep, Verdict } from './verdict.ts';

/** What policy takes part in: the map, and two features. */
export type TlsPolicy = Pick<AccessPolicy, 'map' | 'features' | 'emailAlias'>;

/** Whether TLS with this client is good enough (Sendmail's tls_client). The client's own machine is no exception. */
export function decideTls(policy: AccessPolicy, facts: AccessFacts): Verdict {
  return checkTls(policy, facts, []);
}

/** The same, as one test among others of a verdict. */
export function checkTls(policy: AccessPolicy, facts: AccessFacts, trail: TrailStep[]): Verdict {
  if (policy.map === undefined) return { kind: 'accept', relay: false, trail };
  const { principal, tls } = facts;
  const address = sendmailAddress(facts.address);
  const peer: TlsPeer = {
    verify: principal.verify,
    bits: tls?.bits ?? 0,
    name: clientName(facts, address),
    address,
    certificate: principal.kind === 'anonymous' ? undefined : principal.certificate,
  };
  const steps: TrailStep[] = [];
  const refusal = demandOfHost(policy, tlsClt, peer, steps);
  // Few maps have such lines; where none answers, the reader of a trail is spared the eight that were not found.
  if (steps.some((step) => step.source !== undefined)) trail.push(...steps);
  if (refusal === undefined) return { kind: 'accept', relay: false, trail };
  const { status, reason } = refusal;
  return { kind: 'reject', status, reply: replyOf(statuses[status], { reason }), trail };
}

/** A next hop by the name and address that we connected to. */
export interface TlsHop {
  readonly host: string;
  readonly address: string;
}

/** Whether STARTTLS is to be used where the hop offers it; `trail` says why not. */
export function tryTls(
  policy: TlsPolicy,
  hop: TlsHop,
): { readonly try: boolean; readonly trail: readonly TrailStep[] } {
  const trail: TrailStep[] = [];
  const value = hostValue(new Lookup(policy.map, trail, policy), tryTlsTag, hopName(hop), sendmailAddress(hop.address));
  return { try: value === undefined || !isWord(value, 'NO'), trail };
}

/** Why a hop, or one recipient by way of it, is not good enough; the status says for how long. */
export interface TlsRefusal {
  readonly status: StatusKey;
  /** In Sendmail's words. */
  readonly reason: string;
  /** `file:line` of the demand; undefined: it is no line's. */
  readonly source: string | undefined;
}

/** Whether the connection with this hop is good enough (Sendmail's tls_server); asked also when there is no TLS on it. */
export function decideServerTls(policy: TlsPolicy, peer: TlsPeer): TlsRefusal | undefined {
  const address = sendmailAddress(peer.address);
  return demandOfHost(policy, tlsSrv, { ...peer, name: hopName({ host: peer.name, address }), address }, []);
}

/** Whether it is good enough for this recipient (Sendmail's tls_rcpt); `recipient` is `local@domain`. */
export function decideRecipientTls(policy: TlsPolicy, peer: TlsPeer, recipient: string): TlsRefusal | undefined {
  const trail: TrailStep[] = [];
  const look = new Lookup(policy.map, trail, policy);
  const at = recipient.lastIndexOf('@');
  const local = at < 0 ? recipient : recipient.slice(0, at);
  const domain = at < 0 ? '' : domainKey(recipient.slice(at + 1));
  const value =
    (domain === '' ? undefined : look.user(tlsRcpt, local, domain)) ??
    look.user(tlsRcpt, local, '') ??
    (domain === '' ? undefined : look.host(tlsRcpt, domain)) ??
    look.exact(tlsRcpt, '');
  const address = sendmailAddress(peer.address);
  return demand(policy, value, { ...peer, name: hopName({ host: peer.name, address }), address }, look, trail);
}

/** As Sendmail has it in ${server_name}: an address stands in brackets. */
function hopName({ host, address }: TlsHop): string {
  return host === address || host.includes(':') ? `[${sendmailAddress(host)}]` : domainKey(host);
}

/** By name, then by address, then the tag alone. */
function hostValue(look: Lookup, tag: AccessTag, name: string, address: string): string | undefined {
  return look.host(tag, name) ?? look.address(tag, address) ?? look.exact(tag, '');
}

function demandOfHost(policy: TlsPolicy, tag: AccessTag, peer: TlsPeer, trail: TrailStep[]): TlsRefusal | undefined {
  const look = new Lookup(policy.map, trail, policy);
  return demand(policy, hostValue(look, tag, peer.name, peer.address), peer, look, trail);
}

/** Failed handshakes are refused whatever the map says: the words of Sendmail's TLS_connection for ${verify}. */
const BROKEN: Readonly<Record<string, string>> = {
  SOFTWARE: 'TLS handshake failed.',
  PROTOCOL: 'STARTTLS failed.',
};

function demand(
  policy: TlsPolicy,
  value: string | undefined,
  peer: TlsPeer,
  look: Lookup,
  trail: readonly TrailStep[],
): TlsRefusal | undefined {
  const requirement = value === undefined ? undefined : parseTlsRequirement(value);
  const source = requirement === undefined ? undefined : trail.findLast((step) => step.source !== undefined)?.source;
  const reason =
    BROKEN[peer.verify] ??
    (requirement === undefined
      ? undefined
      : unmet(requirement, peer, {
          issuer: (tag, issuer) => look.exact({ ...tlsClt, name: tag }, issuer),
          altNames: policy.features.has('check_cert_altnames'),
        }));
  if (reason === undefined) return undefined;
  look.note(`TLS: verify=${peer.verify} bits=${peer.bits}`, source, reason);
  return { status: tlsRefusal(requirement?.lasting ?? 'usual', policy.features.has('tls_perm_err')), reason, source };
}
