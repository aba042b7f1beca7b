/**
 * Whom mail is really for: recipients that are other addresses (Sendmail's domaintable, virtusertable and aliases), and
 * senders that are written otherwise (genericstable, masquerading). Pure: rules and an address in, addresses out. Asked by the
 * session when policy has said yes to what was typed; it decides nothing about who may send, and delivers nothing.
 */
import type { Address } from '../../protocol/smtp/address.ts';
import type { Table } from '../table/table.ts';

/** Tables of files; undefined where none is named. */
export interface RecipientTables {
  /** Name of a local user to what its mail goes to, one in a line (alias-file.ts). */
  readonly aliases: Table | undefined;
  /** virtusertable. */
  readonly virtual: Table | undefined;
  /** domaintable. */
  readonly domains: Table | undefined;
  /** genericstable. */
  readonly generic: Table | undefined;
}

export interface RecipientRules extends RecipientTables {
  /** Class w, lower case: names before these domains are looked up among the aliases. */
  readonly localDomains: ReadonlySet<string>;
  /** Domains of `virtual` besides the local ones; `.example.net` stands for the subdomains of example.net. */
  readonly virtualDomains: ReadonlySet<string>;
  /** Domains whose users `generic` is asked about; with a dot before it, its subdomains. */
  readonly genericDomains: ReadonlySet<string>;
  /** The domain of an address without one. */
  readonly hostname: string;
  readonly senders: SenderRules;
}

/** Where addresses of our own are written otherwise. */
export interface SenderRules {
  /** In the reverse-path. */
  readonly envelope: boolean;
  /** In header fields that name who wrote or sent a message. */
  readonly headers: boolean;
  /** In To: and Cc: as well. */
  readonly recipients: boolean;
  /** Header addresses without a domain get ours. */
  readonly qualify: boolean;
  readonly masquerade: Masquerade | undefined;
}

/** One name for all our hosts (Sendmail's MASQUERADE_AS). */
export interface Masquerade {
  readonly as: string;
  /** Domains that `as` takes the place of; with a dot before it, subdomains. */
  readonly domains: ReadonlySet<string>;
  /** Domains among them that keep their name, with their subdomains. */
  readonly exceptions: ReadonlySet<string>;
  /** Users who are seen where they are, lower case. */
  readonly exposed: ReadonlySet<string>;
}

/** Nothing is another address. */
export const noRules: RecipientRules = {
  aliases: undefined,
  virtual: undefined,
  domains: undefined,
  generic: undefined,
  localDomains: new Set(),
  virtualDomains: new Set(),
  genericDomains: new Set(),
  hostname: '',
  senders: { envelope: false, headers: false, recipients: false, qualify: false, masquerade: undefined },
};

/** The address with its domain as the domaintable has it; looked up once, as in Sendmail. */
export function canonical(rules: RecipientRules, address: Address): Address {
  const entry = address.domain === '' ? undefined : rules.domains?.find(address.domain);
  return entry === undefined ? address : { local: address.local, domain: entry.value };
}

/** Whether mail for this domain stops here, so that its names may be aliases. */
export function isLocal(rules: RecipientRules, domain: string): boolean {
  return domain === '' || rules.localDomains.has(domain.toLowerCase());
}

/** Whether a domain is in a set, or one of its parents with a dot before it. */
export function isAmong(domains: ReadonlySet<string>, domain: string): boolean {
  const name = domain.toLowerCase();
  if (domains.has(name)) return true;
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    if (domains.has(name.slice(dot))) return true;
  }
  return false;
}

/** What stands before and behind the plus sign of `user+detail`; `detail` undefined without one. */
export function splitDetail(local: string): { readonly user: string; readonly detail: string | undefined } {
  const plus = local.indexOf('+');
  return plus > 0 ? { user: local.slice(0, plus), detail: local.slice(plus + 1) } : { user: local, detail: undefined };
}

/** `%0` to `%9` of a table's value; `%%` is a percent sign, and what was not given is empty. */
export function fillIn(value: string, given: readonly string[]): string {
  return value.replace(/%([0-9%])/g, (_, digit: string) => (digit === '%' ? '%' : (given[Number(digit)] ?? '')));
}
