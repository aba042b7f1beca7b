/** The genericstable: how the address of one of our users is written to the world. */
import { parseAddress, type Address } from '../../protocol/smtp/address.ts';
import { fillIn, isAmong, splitDetail, type RecipientRules } from './rules.ts';

/**
 * The address by which this one is known outside, its domain '' where the table has none; undefined when the table has
 * nothing. Only domains that are named count, and names without one.
 */
export function findGeneric(rules: RecipientRules, address: Address): Address | undefined {
  const { generic, genericDomains, hostname } = rules;
  const { local } = address;
  const domain = address.domain === '' ? hostname : address.domain;
  if (generic === undefined || !(address.domain === '' || isAmong(genericDomains, domain))) return undefined;
  const { user, detail } = splitDetail(local);
  const keys: (readonly [string, ...string[]])[] = [[`${local}@${domain}`, `${local}@${domain}`]];
  if (detail !== undefined) keys.push([`${user}+*@${domain}`, detail], [`${user}@${domain}`]);
  keys.push([`@${domain}`, local], [local]);
  if (detail !== undefined) keys.push([`${user}+*`, detail], [user]);
  for (const [key, ...given] of keys) {
    const entry = generic.find(key);
    if (entry !== undefined) return parseAddress(fillIn(entry.value, [key, ...given]));
  }
  return undefined;
}
