/** The genericstable: how the address of one of our users is written to the world. */
import { parseAddress, type Address } from '../../protocol/smtp/address.ts';
import { fillIn, isAmong, splitDetail, type RecipientRules } from './rules.ts';

/** The address by which this one is known outside; itself when the table has none. Only domains that are named count. */
export function genericAddress(rules: RecipientRules, address: Address): Address {
  const { generic, genericDomains, hostname } = rules;
  const { local } = address;
  const domain = address.domain === '' ? hostname : address.domain;
  if (generic === undefined || !(address.domain === '' || isAmong(genericDomains, domain))) return address;
  const { user, detail } = splitDetail(local);
  const keys: (readonly [string, ...string[]])[] = [[`${local}@${domain}`, `${local}@${domain}`]];
  if (detail !== undefined) keys.push([`${user}+*@${domain}`, detail], [`${user}@${domain}`]);
  keys.push([`@${domain}`, local], [local]);
  if (detail !== undefined) keys.push([`${user}+*`, detail], [user]);
  for (const [key, ...given] of keys) {
    const entry = generic.find(key);
    if (entry === undefined) continue;
    const written = parseAddress(fillIn(entry.value, [key, ...given]));
    if (written === undefined) return address;
    return written.domain === '' ? { local: written.local, domain: hostname } : written;
  }
  return address;
}
