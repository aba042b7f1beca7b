/** Verdicts from values of the access map and from statuses, and the client's name as Sendmail has it. */
import { statuses, type StatusKey } from '../../base/status.ts';
import { replyOf } from '../../protocol/smtp/reply.ts';
import { domainKey } from './domain.ts';
import type { AccessFacts } from './facts.ts';
import { parseRule } from './rule.ts';
import type { TrailStep, Verdict } from './verdict.ts';

/** The name Sendmail knows a client by: its own when its addresses confirm it, else the address in brackets. */
export function clientName({ name }: Pick<AccessFacts, 'name'>, address: string): string {
  return name.state === 'ok' && name.name !== undefined && name.name !== '' ? domainKey(name.name) : `[${address}]`;
}

/** What a value means where mail is checked and not yet relayed; no value: go on. */
export function verdictOf(
  value: string | undefined,
  trail: TrailStep[],
  refusal: StatusKey,
  typed: string | undefined,
): Verdict {
  if (value === undefined) return { kind: 'accept', relay: false, trail };
  const rule = parseRule(value);
  switch (rule.kind) {
    case 'accept':
      return { kind: 'accept', relay: false, trail };
    case 'reject':
      return reject(
        refusal === 'access-denied' && typed !== undefined ? 'address-access-denied' : refusal,
        typed ?? '',
        trail,
      );
    case 'discard':
      return { kind: 'discard', trail };
    case 'quarantine':
      return { kind: 'quarantine', reason: rule.reason, trail };
    default: {
      const text = typed === undefined ? '{text}' : '{address}... {text}';
      const status = { ...statuses['access-map'], code: rule.code, enhanced: rule.enhanced, text };
      return {
        kind: 'reject',
        status: 'access-map',
        reply: replyOf(status, { address: typed ?? '', text: rule.text }),
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
): Verdict {
  return { kind: 'reject', status, reply: replyOf(statuses[status], { address: typed, ...values }), trail };
}
