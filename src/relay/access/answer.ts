/** Verdicts from values of the access map and from statuses, and the client's name as Sendmail has it. */
import { statuses, type StatusKey } from '../../base/status.ts';
import { replyOf } from '../../protocol/smtp/reply.ts';
import { domainKey } from './domain.ts';
import type { AccessFacts } from './facts.ts';
import type { AccessPolicy } from './policy.ts';
import { parseRule } from './rule.ts';
import type { Rejection, TrailStep, Verdict } from './verdict.ts';

/** The name Sendmail knows a client by: its own when its addresses confirm it, else the address in brackets. */
export function clientName({ name }: Pick<AccessFacts, 'name'>, address: string): string {
  return name.state === 'ok' && name.name !== undefined && name.name !== '' ? domainKey(name.name) : `[${address}]`;
}

/** Where a value was looked up, and how its refusal is worded. */
export interface Refusal {
  readonly status: StatusKey;
  /** The address that stands in a refusal; undefined where it is about the connection. */
  readonly typed: string | undefined;
}

/** What a value means where mail is checked and not yet relayed; no value: go on. */
export function verdictOf(
  policy: AccessPolicy,
  value: string | undefined,
  trail: TrailStep[],
  { status, typed }: Refusal,
): Verdict {
  if (value === undefined) return { kind: 'accept', relay: false, trail };
  const literal = policy.features.has('sendmail');
  const rule = parseRule(value, literal);
  switch (rule.kind) {
    case 'accept':
      return { kind: 'accept', relay: false, trail };
    case 'reject':
      return reject(
        status === 'access-denied' && typed !== undefined ? 'address-access-denied' : status,
        typed ?? '',
        trail,
      );
    case 'discard':
      return { kind: 'discard', trail };
    case 'quarantine':
      return { kind: 'quarantine', reason: rule.reason, trail };
    default: {
      // Sendmail puts the address before these alone.
      const named = typed !== undefined && (!literal || [450, 550, 553].includes(rule.code));
      const line = { ...statuses['access-map'], code: rule.code, enhanced: rule.enhanced };
      return {
        kind: 'reject',
        status: 'access-map',
        reply: replyOf(
          { ...line, text: named ? '{address}... {text}' : '{text}' },
          { address: typed ?? '', text: rule.text },
        ),
        trail,
      };
    }
  }
}

export function reject(
  status: StatusKey,
  typed: string,
  trail: TrailStep[],
  values: Readonly<Record<string, string>> = {},
): Rejection {
  return { kind: 'reject', status, reply: replyOf(statuses[status], { address: typed, ...values }), trail };
}
