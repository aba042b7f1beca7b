/** The virtusertable: which address, or which refusal, stands for `user@domain`. */
import type { Address } from '../../protocol/smtp/address.ts';
import type { TableEntry } from '../table/table.ts';
import { fillIn, isAmong, isLocal, splitDetail, type RecipientRules } from './rules.ts';

/** The right-hand side with its parameters filled in, and the line it is in. */
export interface VirtualAnswer {
  readonly value: string;
  readonly line: number;
}

/** Looks an address up, in Sendmail's order: the whole, its forms with a detail, then the domain alone. */
export function findVirtual(rules: RecipientRules, { local, domain }: Address): VirtualAnswer | undefined {
  const table = rules.virtual;
  if (table === undefined || domain === '') return undefined;
  if (!isLocal(rules, domain) && !isAmong(rules.virtualDomains, domain)) return undefined;
  const answer = (key: string, entry: TableEntry, ...given: string[]): VirtualAnswer => ({
    value: fillIn(entry.value, [key, ...given]),
    line: entry.line,
  });
  const whole = table.find(`${local}@${domain}`);
  if (whole !== undefined) return answer(`${local}@${domain}`, whole, local);
  const { user, detail } = splitDetail(local);
  if (detail !== undefined) {
    const forms = [`${user}+*@${domain}`, `${user}@${domain}`, `+*@${domain}`, `@${domain}`];
    // "++" is only for a detail that is not empty.
    if (detail !== '') forms.splice(0, 0, `${user}++@${domain}`);
    if (detail !== '') forms.splice(3, 0, `++@${domain}`);
    for (const key of forms) {
      const entry = table.find(key);
      if (entry !== undefined) return answer(key, entry, user, detail, `+${detail}`);
    }
    return undefined;
  }
  const all = table.find(`@${domain}`);
  return all === undefined ? undefined : answer(`@${domain}`, all, local);
}
