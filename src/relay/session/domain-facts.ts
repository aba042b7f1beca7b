/** What the name service has to say before MAIL or RCPT is decided, where the policy has a rule about it. */
import type { ServerEvent } from '../../protocol/smtp/server-event.ts';
import { domainKey } from '../access/domain.ts';
import type { AccessRecipient, AccessSender, DomainState } from '../access/facts.ts';
import { domainsToServe } from '../access/mailbox.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { canonicalSender, domainToResolve } from '../access/sender.ts';
import { canonical, type RecipientRules } from '../recipients/rules.ts';
import type { MailDomains } from './services.ts';

export interface DomainFacts {
  readonly sender?: DomainState;
  readonly served?: AccessRecipient['served'];
}

/** The reverse-path with the domain that the domaintable has for its own: that one is judged. */
export function mapped<S extends AccessSender>(policy: AccessPolicy, rules: RecipientRules, sender: S): S {
  const read = rules.domains === undefined ? undefined : canonicalSender(policy, sender);
  if (read === undefined) return sender;
  const { domain } = canonical(rules, read);
  return domain === read.domain ? sender : { ...sender, mapped: domain };
}

/** Undefined: nothing has to be asked. */
export function domainFacts(
  policy: AccessPolicy,
  rules: RecipientRules,
  domains: MailDomains,
  event: ServerEvent,
): Promise<DomainFacts> | undefined {
  if (policy.features.size === 0) return undefined;
  if (event.kind === 'mail') {
    const domain = domainToResolve(policy, mapped(policy, rules, event));
    return domain === undefined ? undefined : domains.state(domain).then((sender) => ({ sender }));
  }
  if (event.kind !== 'recipient') return undefined;
  const asked = domainsToServe(policy, event);
  return asked.length === 0 ? undefined : servedBy(policy, domains, asked);
}

async function servedBy(policy: AccessPolicy, domains: MailDomains, asked: readonly string[]): Promise<DomainFacts> {
  const isOurs = (name: string): boolean => name === policy.hostname || policy.localDomains.has(name);
  const rows = await Promise.all(
    asked.map(async (domain) => {
      const names = await domains.exchangers(domain);
      if (names === 'temporary') return [domain, names] as const;
      return [domain, names.some((name) => isOurs(domainKey(name))) ? 'yes' : 'no'] as const;
    }),
  );
  return { served: new Map(rows) };
}
