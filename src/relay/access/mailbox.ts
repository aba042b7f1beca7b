/** The recipient once it is known where it belongs: the address to deliver to, and whether one of our own exists. */
import type { Address } from '../../protocol/smtp/address.ts';
import { innerForm, namesHost, plainLocal, readAddress } from './address-form.ts';
import { reject } from './answer.ts';
import { domainKey } from './domain.ts';
import type { AccessRecipient } from './facts.ts';
import type { AccessPolicy } from './policy.ts';
import type { Rejection, TrailStep } from './verdict.ts';

/** Domains of one recipient that are asked for their MX. */
const MAX_SERVED = 5;

/** The address of a recipient as the policy reads it; undefined: none, or none that can be read. */
export function canonicalRecipient(policy: AccessPolicy, recipient: AccessRecipient): Address | undefined {
  if (!policy.features.has('sendmail')) return recipient.address;
  const form = readAddress(policy, recipient.typed);
  return form.kind === 'address' ? form.address : undefined;
}

/** The domains whose MX have to be known before RCPT is decided: that of the recipient, and those its local part names. */
export function domainsToServe(policy: AccessPolicy, recipient: AccessRecipient): string[] {
  if (!policy.features.has('relay_based_on_MX')) return [];
  const domains: string[] = [];
  let address = canonicalRecipient(policy, recipient);
  while (address !== undefined && domains.length < MAX_SERVED) {
    const domain = domainKey(address.domain);
    if (domain === '' || policy.localDomains.has(domain)) break;
    if (!domain.startsWith('[')) domains.push(domain);
    const local = plainLocal(address.local);
    const inner = namesHost(policy, local) ? innerForm(policy, local) : undefined;
    address = inner?.kind === 'address' ? inner.address : undefined;
  }
  return domains;
}

/** Whether a recipient in one of our domains exists, where the policy says who does. */
export function checkMailbox(
  policy: AccessPolicy,
  recipient: AccessRecipient,
  trail: TrailStep[],
): Rejection | undefined {
  const address = canonicalRecipient(policy, recipient);
  if (address !== undefined && address.domain !== '' && !policy.localDomains.has(domainKey(address.domain)))
    return undefined;
  const local = address?.local ?? '';
  const direct = policy.features.has('sendmail') ? directly(local) : undefined;
  if (direct !== undefined) {
    trail.push({ asked: `recipient ${local}`, source: 'sendmail', answer: 'no mailbox' });
    return reject(direct, recipient.typed, trail);
  }
  if (policy.localUsers === undefined || isUser(policy.localUsers, local)) return undefined;
  trail.push({ asked: `user ${local}`, source: 'localUsers', answer: 'unknown' });
  return reject('user-unknown', recipient.typed, trail);
}

/** Whether a user of ours that another address stands for exists, where the policy says who does. */
export function hasMailbox({ localUsers }: AccessPolicy, local: string): boolean {
  return localUsers === undefined || isUser(localUsers, local);
}

/** What aliases may have for a target, and nobody may write to from outside. */
function directly(local: string): 'no-programs' | 'no-files' | 'no-includes' | undefined {
  if (local.startsWith('|')) return 'no-programs';
  if (local.startsWith('/')) return 'no-files';
  return local.toLowerCase().startsWith(':include:') ? 'no-includes' : undefined;
}

/** `user+detail`, `user+*` or `user`; `\user` is the user whatever aliases say. */
function isUser(users: ReadonlySet<string>, local: string): boolean {
  const name = local.replaceAll('\\', '').toLowerCase();
  if (users.has(name) || users.has(name.replaceAll('"', ''))) return true;
  const plus = name.indexOf('+', 1);
  return plus > 0 && (users.has(`${name.slice(0, plus)}+*`) || users.has(name.slice(0, plus)));
}
