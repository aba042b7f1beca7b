/** What becomes of each FEATURE. */
import { nearest } from '../nearest.ts';
import { type NoteKey, note } from './note.ts';
import type { Judgement } from './options.ts';
import type { Fate } from './site.ts';

const table: readonly (readonly [fate: Fate, key: NoteKey | undefined, names: string])[] = [
  [
    'kept',
    undefined,
    'access_db blocklist_recipients delay_checks use_cw_file no_default_msa relay_entire_domain relay_hosts_only accept_unqualified_senders lookupdotdomain nouucp nopercenthack require_rdns check_cert_altnames mailertable virtusertable virtuser_entire_domain authinfo nocanonify notsticky',
  ],
  ['changed', 'sendmail.oldName', 'blacklist_recipients'],
  ['dangerous', 'sendmail.openRelay', 'promiscuous_relay'],
  ['dangerous', 'sendmail.relayBySender', 'relay_local_from relay_mail_from'],
  ['dangerous', 'sendmail.relayByMx', 'relay_based_on_MX'],
  ['dangerous', 'sendmail.looseCheck', 'loose_relay_check'],
  ['dangerous', 'sendmail.unresolvable', 'accept_unresolvable_domains'],
  ['changed', 'sendmail.ownLimits', 'greet_pause conncontrol ratecontrol'],
  ['changed', 'sendmail.nullClient', 'nullclient'],
  ['kept', 'sendmail.rewritten', 'genericstable allmasquerade masquerade_envelope'],
  ['kept', undefined, 'generics_entire_domain domaintable masquerade_entire_domain limited_masquerade'],
  ['dropped', 'sendmail.dnsList', 'dnsbl enhdnsbl rhsbl mtamark'],
  [
    'dropped',
    'sendmail.localDelivery',
    'local_procmail local_lmtp smrsh preserve_local_plus_detail preserve_luser_host redirect stickyhost bestmx_is_local msp bcc uucpdomain bitdomain drac prefixmod',
  ],
  ['dropped', 'sendmail.localDelivery', 'local_no_masquerade always_add_domain'],
  ['dropped', 'sendmail.ldap', 'ldap_routing'],
  [
    'dropped',
    'sendmail.optionUnused',
    'domainmap badmx block_bad_helo check_other compat_check queuegroup sts tls_failures tls_session_features use_client_ptr use_ct_file vnet',
  ],
];

/** All FEATUREs that are known. */
export const featureJudgements: ReadonlyMap<string, Judgement> = new Map(
  table.flatMap(([fate, key, names]) =>
    names
      .split(' ')
      .map((name): readonly [string, Judgement] => [
        name,
        { fate, note: key === undefined ? undefined : note(key, { name }) },
      ]),
  ),
);

/** The name that is used here for one of two. */
export function featureName(written: string): string {
  return written === 'blacklist_recipients' ? 'blocklist_recipients' : written;
}

export function judgeFeature(name: string): Judgement {
  const known = featureJudgements.get(name);
  if (known !== undefined) return known;
  const near = nearest(name, [...featureJudgements.keys()]);
  return { fate: 'dropped', note: note('sendmail.unknownFeature', { name, near: near ?? '-' }) };
}

/** FEATUREs of which Sendmail looks at the first letter of the argument, by that letter. */
const choices: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  delay_checks: { f: 'friend', h: 'hater', F: 'friend', H: 'hater' },
  nopercenthack: { r: 'reject', n: 'nospecial' },
  nouucp: { r: 'reject', n: 'nospecial' },
};

/** The argument that Sendmail complains about; undefined when there is none. */
export function badArgument(name: string, given: readonly string[]): string | undefined {
  const [argument = ''] = given;
  const choice = choices[name];
  if (choice === undefined || choice[argument[0] ?? ''] !== undefined) return undefined;
  return argument === '' && name === 'delay_checks' ? undefined : argument;
}

/** The arguments with the first in the one form of it that is looked for here. */
export function usualArguments(name: string, given: readonly string[]): readonly string[] {
  const [argument = '', ...rest] = given;
  const choice = choices[name];
  if (choice === undefined) return given;
  // With a wrong argument, or none, both nouucp and nopercenthack take the character for any other.
  const usual = choice[argument[0] ?? ''] ?? (name === 'delay_checks' ? '' : 'nospecial');
  return usual === '' ? given : [usual, ...rest];
}
