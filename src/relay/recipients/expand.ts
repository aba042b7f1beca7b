/**
 * What a recipient becomes: domaintable, virtusertable, then aliases, again for each result until nothing changes, in
 * Sendmail's order (RFC 5321 §3.9.1). A name that nothing answers for stays what it is.
 */
import { statuses, type StatusKey } from '../../base/status.ts';
import { parseAddress, type Address } from '../../protocol/smtp/address.ts';
import { replyOf, type Reply } from '../../protocol/smtp/reply.ts';
import type { TableEntry } from '../table/table.ts';
import { canonical, isLocal, splitDetail, type RecipientRules } from './rules.ts';
import { errorReply } from './refusal.ts';
import { parseTarget } from './target.ts';
import { findVirtual } from './virtual.ts';

/**
 * Whom mail goes to instead of the recipient. An empty list: to nobody (`/dev/null`). `moved`: the same user of another
 * domain. `user`: the one user of ours that it is for, who has no alias.
 */
export type Expansion =
  | { readonly kind: 'same' }
  | { readonly kind: 'others'; readonly to: readonly Member[]; readonly moved?: boolean; readonly user?: string }
  | { readonly kind: 'refused'; readonly reply: Reply };

/** One of those. `owner`: who is told of its trouble in place of the sender, where it came from a list with an owner. */
export interface Member extends Address {
  readonly owner?: Address | undefined;
}

/** Aliases of aliases, as Sendmail's MaxAliasRecursion. */
const MAX_DEPTH = 10;
/** Rows of the virtusertable that lead to others. */
const MAX_VIRTUAL = 50;
/** An entry of the spool is one message: what has more recipients is a mailing list's work. */
const MAX_RECIPIENTS = 10_000;

/** `address` is canonical already; `typed` is what stood after `RCPT TO:`. */
export function expandRecipient(rules: RecipientRules, address: Address, typed: string): Expansion {
  if (rules.aliases === undefined && rules.virtual === undefined && rules.domains === undefined)
    return { kind: 'same' };
  const expander = new Expander(rules, typed, address.domain);
  expander.resolve(address, [], undefined);
  return expander.result(address);
}

class Expander {
  readonly #rules: RecipientRules;
  readonly #typed: string;
  /** Names without a domain belong to the domain that the mail was for. */
  readonly #domain: string;
  readonly #found = new Map<string, Member>();
  readonly #expanded = new Set<string>();
  #discarded = false;
  #refusal: Reply | undefined;
  /** A user of ours that the virtusertable led to, and nothing else. */
  #user: string | undefined;

  constructor(rules: RecipientRules, typed: string, domain: string) {
    this.#rules = rules;
    this.#typed = typed;
    this.#domain = domain;
  }

  result(address: Address): Expansion {
    const to = [...this.#found.values()];
    const [only] = to;
    const whole = { local: address.local, domain: address.domain === '' ? this.#homeDomain() : address.domain };
    if (
      only !== undefined &&
      to.length === 1 &&
      key(only) === key(whole) &&
      only.owner === undefined &&
      !this.#discarded
    )
      return { kind: 'same' };
    if (to.length === 0 && !this.#discarded && this.#refusal !== undefined)
      return { kind: 'refused', reply: this.#refusal };
    return this.#user === undefined ? { kind: 'others', to } : { kind: 'others', to, user: this.#user };
  }

  /** `path`: the aliases that led here; `owner`: that of the list among them. */
  resolve(address: Address, path: readonly string[], owner: Address | undefined): void {
    let now = address;
    for (let round = 0; ; round++) {
      const answer = findVirtual(this.#rules, now);
      if (answer === undefined) break;
      if (round >= MAX_VIRTUAL) return this.#refuse('alias-loop');
      const refusal = errorReply(answer.value, this.#typed);
      if (refusal !== undefined) {
        this.#refusal ??= refusal;
        return;
      }
      const next = parseAddress(answer.value);
      if (next === undefined) return this.#refuse('alias-fault');
      now = canonical(this.#rules, next);
    }
    if (!isLocal(this.#rules, now.domain)) return this.#take(now, owner);
    this.#local(now, path, owner);
  }

  #local(address: Address, path: readonly string[], above: Address | undefined): void {
    const alias = this.#findAlias(address);
    if (alias === undefined && path.length === 0) this.#user = address.local;
    // An alias that names itself means the user of that name.
    if (alias === undefined || path.at(-1) === alias.name) return this.#take(address, above);
    if (path.includes(alias.name) || path.length >= MAX_DEPTH) return this.#refuse('alias-loop');
    if (this.#expanded.has(alias.name)) return;
    const inner = [...path, alias.name];
    const owner = this.#ownerOf(alias.name) ?? above;
    for (const text of alias.entry.value.split('\n')) this.#target(text, address.domain, inner, owner);
    this.#expanded.add(alias.name);
  }

  /**
   * RFC 5321 §3.9.2: trouble with a list is its owner's. The one address that `owner-list` stands for, or that name itself
   * when it stands for more.
   */
  #ownerOf(name: string): Address | undefined {
    const list = name.replace(/@.*$/, '').replace(/\+\*$/, '');
    const local = /^owner-|-request$/.test(list) ? 'owner-owner' : `owner-${list}`;
    const entry = this.#rules.aliases?.find(local);
    if (entry === undefined) return undefined;
    const target = parseTarget(entry.value);
    const owner = target.kind === 'address' && !/[,:/|"\n]/.test(entry.value) ? target.address : { local, domain: '' };
    return owner.domain === '' ? { ...owner, domain: this.#rules.hostname } : owner;
  }

  #target(text: string, domain: string, path: readonly string[], owner: Address | undefined): void {
    const target = parseTarget(text);
    if (target.kind === 'address') {
      const { local, domain: typed } = target.address;
      // Without a domain it is a local user, of whatever domain it was that led here.
      if (typed === '') return this.#local({ local, domain: isLocal(this.#rules, domain) ? domain : '' }, path, owner);
      return this.resolve(canonical(this.#rules, target.address), path, owner);
    }
    if (target.kind === 'user') return this.#take({ local: target.local, domain }, owner);
    if (target.kind === 'file' && target.text === '/dev/null') {
      this.#discarded = true;
      return;
    }
    this.#refuse(target.kind === 'program' || target.kind === 'file' ? 'alias-program' : 'alias-fault');
  }

  /** As Sendmail asks: `user+detail@domain`, `user+detail`, then `user+*` and `user`. */
  #findAlias({ local, domain }: Address): { readonly name: string; readonly entry: TableEntry } | undefined {
    const table = this.#rules.aliases;
    if (table === undefined) return undefined;
    const { user, detail } = splitDetail(local);
    const names = [`${local}@${domain}`, local, ...(detail === undefined ? [] : [`${user}+*`, user])];
    for (const name of names) {
      const entry = table.find(name);
      if (entry !== undefined) return { name: name.toLowerCase(), entry };
    }
    return undefined;
  }

  #take(address: Address, owner: Address | undefined): void {
    const { local } = address;
    const domain = address.domain === '' ? this.#homeDomain() : address.domain;
    if (this.#found.size >= MAX_RECIPIENTS) return this.#refuse('alias-fault');
    const whole = { local, domain };
    if (!this.#found.has(key(whole))) this.#found.set(key(whole), { ...whole, owner });
  }

  #homeDomain(): string {
    return this.#domain !== '' && isLocal(this.#rules, this.#domain) ? this.#domain : this.#rules.hostname;
  }

  #refuse(status: StatusKey): void {
    this.#refusal ??= replyOf(statuses[status], { address: this.#typed });
  }
}

/** Local parts differ by case for whoever has the mailbox (RFC 5321 §2.4), domains do not. */
function key({ local, domain }: Address): string {
  return `${local}@${domain.toLowerCase()}`;
}
