/**
 * Passwords of holders: one for each program or device, so that each can be taken back alone. They are made here and told
 * once; one that somebody chose must be long. And by what a holder may log in at all.
 */
import { hex } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { makePassphrase } from '../ca/passphrase.ts';
import { isAddress } from '../ca/profile.ts';
import { prepare, prepareName } from '../protocol/sasl/prepare.ts';
import type { LoginNeed, PasswordRecord } from '../relay/credential/store.ts';
import { makeVerifiers } from '../relay/credential/verifier.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';

/** Characters that a chosen password has at least. */
const SHORTEST = 12;
/** …of which so many differ. */
const DIFFERENT = 5;
/** PLAIN takes no more (RFC 4616 §2). */
const LONGEST = 255;
const MOST_BY_HOLDER = 50;
const LISTED = 10_000;
const LONGEST_LABEL = 100;
const UNNAMED = 'unnamed';

export type PasswordContext = Pick<
  AdminContext,
  'actor' | 'clock' | 'random' | 'ledger' | 'passwords' | 'passwordCrypto' | 'live'
>;

export interface PasswordRequest {
  readonly holder: string;
  /** What it is for; undefined: unnamed. */
  readonly label?: string | undefined;
  /** How long it lasts; undefined: until it is withdrawn. */
  readonly life?: Ms | undefined;
  /** One that somebody chose; undefined: one is made. */
  readonly password?: string | undefined;
  /** It is kept for PLAIN and LOGIN alone, and cannot be used by SCRAM. */
  readonly plainOnly?: boolean | undefined;
  /** A chosen one may be short: for the passwords of an older server, and for tests. */
  readonly weak?: boolean | undefined;
}

export interface PasswordView {
  readonly id: string;
  readonly holder: string;
  readonly label: string;
  readonly state: 'active' | 'expired' | 'withdrawn';
  readonly kind: PasswordRecord['kind'];
  readonly scram: boolean;
  readonly createdAt: Ms;
  readonly expires: Ms | null;
  /** To the hour or so. */
  readonly usedAt: Ms | null;
  readonly by: string;
}

export interface NewPassword extends PasswordView {
  /** Told only now; null when it was given. */
  readonly password: string | null;
  readonly need: LoginNeed;
}

/** Throws OperationError: `usage` for a name, label or password that will not do, `conflict` where passwords are no login. */
export async function addPassword(context: PasswordContext, request: PasswordRequest): Promise<NewPassword> {
  const { actor, clock, random, passwords, passwordCrypto } = context;
  const holder = holderName(request.holder);
  const need = passwords.need(holder);
  if (need === 'certificate')
    throw new OperationError(
      'conflict',
      `${holder} logs in by certificate only`,
      `"sealpost password require ${holder} any" allows passwords`,
    );
  const given = request.password === undefined ? undefined : chosen(request.password, holder, request.weak === true);
  const now = clock.now();
  if (passwords.usable(holder, now).length >= MOST_BY_HOLDER)
    throw new OperationError('conflict', `${holder} has ${MOST_BY_HOLDER} passwords`, 'withdraw some of them first');
  const password = given ?? makePassphrase(random);
  const scram = request.plainOnly !== true;
  const record: PasswordRecord = {
    id: hex(random.bytes(4)),
    holder,
    label: labelOf(request.label),
    kind: given === undefined ? 'made' : 'chosen',
    createdAt: now,
    by: actor,
    expires: request.life === undefined ? undefined : now + request.life,
    usedAt: undefined,
    withdrawnAt: undefined,
    ...(await makeVerifiers(passwordCrypto, passwords.secret(), holder, password, scram)),
  };
  passwords.add(record);
  note(context, record, `for ${record.label}`);
  await context.live?.refreshPasswords?.();
  return { ...view(record, now), password: given === undefined ? password : null, need };
}

/** By holder, then by time; without `all` only those that can be used. Throws OperationError `not-found` for a holder without. */
export function listPasswords(
  { clock, passwords }: Pick<PasswordContext, 'clock' | 'passwords'>,
  { holder, all = false }: { readonly holder?: string | undefined; readonly all?: boolean | undefined },
): PasswordView[] {
  const name = holder === undefined ? undefined : holderName(holder);
  const now = clock.now();
  const views = passwords.list({ holder: name, limit: LISTED }).map((record) => view(record, now));
  if (name !== undefined && views.length === 0)
    throw new OperationError('not-found', `${name} has no password`, `"sealpost password add ${name}" makes one`);
  return all ? views : views.filter(({ state }) => state === 'active');
}

/** Which: by id; or by holder, all of them or those of one label. */
export interface PasswordSelection {
  readonly name: string;
  readonly label?: string | undefined;
  readonly all?: boolean | undefined;
}

/** Withdraws passwords, and ends the sessions that logged in by them. Throws OperationError: `not-found`; `conflict` when a holder has several. */
export async function removePasswords(context: PasswordContext, selection: PasswordSelection): Promise<PasswordView[]> {
  const meant = selected(context, selection);
  await withdrawPasswords(context, meant, 'withdrawn');
  return meant.flatMap(({ id }) => context.passwords.get(id) ?? []).map((record) => view(record, context.clock.now()));
}

/** Those of a holder that can be used; none for a name that is no holder's. */
export function passwordsOf({ clock, passwords }: PasswordContext, holder: string | undefined): PasswordRecord[] {
  const name = holder === undefined ? undefined : prepareName(holder.trim());
  return name === undefined ? [] : passwords.usable(name, clock.now());
}

export async function withdrawPasswords(
  context: PasswordContext,
  records: readonly PasswordRecord[],
  what: string,
): Promise<void> {
  for (const record of records)
    if (context.passwords.withdraw(record.id, context.clock.now())) note(context, record, `${record.label} ${what}`);
  if (records.length > 0) await context.live?.refreshPasswords?.();
}

export interface Requirement {
  readonly holder: string;
  readonly need: LoginNeed;
  readonly before: LoginNeed;
}

/** By what a holder may log in. It counts at once, in open sessions too. */
export async function requireLogin(
  context: PasswordContext,
  request: { readonly holder: string; readonly need: LoginNeed },
): Promise<Requirement> {
  const holder = holderName(request.holder);
  const { actor, clock, ledger, passwords } = context;
  const before = passwords.need(holder);
  passwords.setNeed(holder, request.need);
  const detail = `logs in by ${request.need}, before by ${before}`;
  ledger.appendAudit({ action: 'password', by: actor, holder, detail }, clock.now());
  await context.live?.refreshPasswords?.();
  return { holder, need: request.need, before };
}

function selected({ clock, passwords }: PasswordContext, { name, label, all }: PasswordSelection): PasswordRecord[] {
  const one = passwords.get(name.trim());
  if (one !== undefined && one.withdrawnAt === undefined) return [one];
  const holder = holderName(name);
  const records = passwords
    .usable(holder, clock.now())
    .filter((record) => label === undefined || record.label.toLowerCase() === label.trim().toLowerCase());
  if (records.length === 0)
    throw new OperationError('not-found', `there is no such password of ${holder}`, 'see "sealpost password list"');
  if (records.length > 1 && all !== true && label === undefined)
    throw new OperationError(
      'conflict',
      `${holder} has ${records.length} passwords`,
      'give the id of one, its --label, or --all',
    );
  return records;
}

function holderName(text: string): string {
  const name = prepareName(text.trim());
  // As long as what PLAIN can say, and as holders of certificates are called.
  if (name !== undefined && name.length <= LONGEST && (!isAddress(name) || /^[^@\s]+@[^@\s]+$/u.test(name)))
    return name;
  throw new OperationError(
    'usage',
    `"${text}" is no name of a holder`,
    'give an address such as alice@example.net, or a name such as printer-2',
  );
}

function labelOf(label: string | undefined): string {
  const text = label?.trim() ?? UNNAMED;
  if (text !== '' && text.length <= LONGEST_LABEL && !/\p{Cc}/u.test(text)) return text;
  throw new OperationError('usage', `the label must be 1 to ${LONGEST_LABEL} characters`, 'such as "Outlook"');
}

function chosen(password: string, holder: string, weak: boolean): string {
  const prepared = prepare(password);
  const fault = prepared === undefined ? 'has characters that no keyboard makes' : faultOf(prepared, holder, weak);
  if (prepared !== undefined && fault === undefined) return prepared;
  throw new OperationError('usage', `the password ${fault}`, 'without one, a password is made, which nobody can guess');
}

function faultOf(password: string, holder: string, weak: boolean): string | undefined {
  if (Buffer.byteLength(password) > LONGEST) return `is longer than ${LONGEST} octets`;
  if (weak) return undefined;
  if (password.length < SHORTEST) return `has ${password.length} characters; at least ${SHORTEST}`;
  if (new Set(password).size < DIFFERENT) return 'is of too few different characters';
  const [local = ''] = holder.split('@');
  return local.length > 3 && password.toLowerCase().includes(local) ? 'has the name of its holder in it' : undefined;
}

function note({ actor, clock, ledger }: PasswordContext, { id, holder }: PasswordRecord, what: string): void {
  ledger.appendAudit({ action: 'password', by: actor, holder, detail: `password ${id} ${what}` }, clock.now());
}

function view(record: PasswordRecord, now: Ms): PasswordView {
  const { id, holder, label, kind, scram, createdAt, expires, usedAt, withdrawnAt, by } = record;
  const over = expires !== undefined && expires <= now;
  return {
    id,
    holder,
    label,
    state: withdrawnAt !== undefined ? 'withdrawn' : over ? 'expired' : 'active',
    kind,
    scram: scram !== undefined,
    createdAt,
    expires: expires ?? null,
    usedAt: usedAt ?? null,
    by,
  };
}
