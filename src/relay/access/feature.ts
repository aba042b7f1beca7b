/**
 * Sendmail's FEATUREs that change who may do what, and `sendmail`, which turns on all that Sendmail does without being
 * told and we do not. The configuration names them (`access.features`); the policy has them as a set.
 */
export type AccessFeature =
  | 'sendmail'
  | 'skip'
  | 'lookupdotdomain'
  | 'relaytofulladdress'
  | 'relay_hosts_only'
  | 'relay_entire_domain'
  | 'relay_local_from'
  | 'relay_mail_from'
  | 'relay_mail_from_domain'
  | 'relay_based_on_MX'
  | 'promiscuous_relay'
  | 'loose_relay_check'
  | 'accept_unresolvable_domains'
  | 'accept_unqualified_senders'
  | 'require_rdns'
  | 'nopercenthack_reject'
  | 'nopercenthack_nospecial'
  | 'nouucp_reject'
  | 'nouucp_nospecial'
  | 'check_cert_altnames'
  | 'tls_perm_err'
  | 'verify_ok_relays'
  | 'verify_ok_authenticates'
  | 'cert_cn_relays';

export const accessFeatures: Readonly<Record<AccessFeature, string>> = {
  sendmail:
    "Sendmail's standing rules: sender domains must exist, 127.0.0.1 and ::1 relay, addresses are reduced and refusals worded as there",
  skip: 'The value SKIP ends the search for an entry without an answer',
  lookupdotdomain: 'Subdomains are also looked up as .domain',
  relaytofulladdress: 'To:user@domain RELAY relays for this address',
  relay_hosts_only: 'Relay domains do not stand for their subdomains',
  relay_entire_domain: 'Hosts of our own domain may relay, and mail for them is relayed',
  relay_local_from: 'A reverse-path in a local domain may relay. Anybody can write one',
  relay_mail_from: 'From:user@domain RELAY may relay. Anybody can write one',
  relay_mail_from_domain: 'The same, also by From:domain',
  relay_based_on_MX: 'Mail is relayed for domains whose MX is this host',
  promiscuous_relay: 'Everybody may relay: an open relay',
  loose_relay_check: 'user%host@domain is judged by its domain alone where that is not local',
  accept_unresolvable_domains: 'Reverse-paths may have domains that do not exist',
  accept_unqualified_senders: 'Reverse-paths may have no domain',
  require_rdns: 'Clients whose address has no confirmed name are refused',
  nopercenthack_reject: 'user%host is refused',
  nopercenthack_nospecial: 'The percent sign is a letter like others',
  nouucp_reject: 'host!user is refused',
  nouucp_nospecial: 'The exclamation mark is a letter like others',
  check_cert_altnames: 'CN in TLS requirements also looks at the dNSNames of the certificate',
  tls_perm_err: 'TLS requirements that are not met refuse for good (554 5.7.0)',
  verify_ok_relays: 'Every client with verify=OK relays (the recipe of cf/README)',
  verify_ok_authenticates: 'The same, after all that is said of the recipient (Local_Relay_Auth)',
  cert_cn_relays: 'CERTCN:name RELAY in the map lets a verified certificate with this CN relay',
};
