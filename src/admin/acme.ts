/** Keys for ACME: each opens one account, whose host then gets certificates and renews them by itself. */
import type { Ms } from '../base/clock.ts';
import { places } from '../ca/acme/answer.ts';
import { makeAcmeKey } from '../ca/acme/binding.ts';
import type { AcmeKey, HostProfile } from '../ca/acme/store.ts';
import type { LedgerRecord } from '../ca/ledger.ts';
import { certifiedNames } from '../ca/profile.ts';
import { encodeBase64url } from '../protocol/acme/base64url.ts';
import { checked } from './certificate-issue.ts';
import { revokeCertificates, selectRevocable, type Revocation, type Revoked } from './certificates.ts';
import { clientFacts } from './client-facts.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';
import { lifeOf } from './holder.ts';
import { passwordsOf, withdrawPasswords } from './password.ts';

const HOUR: Ms = 3_600_000;

export interface AcmeKeyRequest {
  readonly holder: string;
  /** Undefined: device. */
  readonly profile?: HostProfile | undefined;
  /** Names that the host may have certified; undefined: the holder is the name. */
  readonly dnsNames?: readonly string[] | undefined;
  /** Life of its certificates; undefined: as long as the profile allows. */
  readonly days?: number | undefined;
  /** Time in which the account must be opened; undefined: a week. */
  readonly hours?: number | undefined;
}

export interface NewAcmeKey {
  /** Key id, `kid` of the external account binding. */
  readonly id: string;
  /** Told only now; base64url. */
  readonly hmacKey: string;
  readonly holder: string;
  readonly profile: HostProfile;
  readonly names: readonly string[];
  readonly expires: Ms;
  /** URL of the directory; null when it is served to nobody. */
  readonly directory: string | null;
}

/** Makes a key for external account binding. Throws OperationError `usage` when no certificate could be issued by it. */
export async function createAcmeKey(context: AdminContext, request: AcmeKeyRequest): Promise<NewAcmeKey> {
  const { actor, clock, random, ledger, acme } = context;
  const holder = request.holder.trim().toLowerCase();
  const profile = request.profile ?? 'device';
  const names = (request.dnsNames ?? []).map((name) => name.trim().toLowerCase());
  const life = lifeOf(profile, request.days);
  const within = request.hours === undefined ? undefined : request.hours * HOUR;
  const key = checked(() => {
    const made = makeAcmeKey({ holder, profile, names, life, within }, clock, random);
    // The CA's name constraints are behind the door: they are looked at when a certificate is asked for.
    certifiedNames(profile, { holder, dnsNames: made.names, uris: [] }, undefined);
    return made;
  });
  acme.addKey(key);
  const detail = `ACME key ${key.id} for ${profile}: ${key.names.join(', ')}`;
  ledger.appendAudit({ action: 'token', by: actor, holder, detail }, clock.now());
  const { id, expires } = key;
  const hmacKey = encodeBase64url(key.secret);
  return { id, hmacKey, holder, profile, names: key.names, expires, directory: await directoryUrl(context) };
}

async function directoryUrl(context: AdminContext): Promise<string | null> {
  const { hostname, web } = await clientFacts(context);
  if (web === null || !context.config.acme.enabled) return null;
  return places(`https://${hostname}${web.port === 443 ? '' : `:${web.port}`}`).directory;
}

export interface AcmeKeyView {
  readonly id: string;
  readonly holder: string;
  readonly profile: HostProfile;
  readonly names: readonly string[];
  /** `open`: the account can be opened; `used`: it was, and is good. */
  readonly state: 'open' | 'used' | 'closed' | 'expired' | 'withdrawn';
  readonly createdAt: Ms;
  readonly expires: Ms;
  readonly account: string | null;
  /** Its latest certificate. */
  readonly serial: string | null;
}

/** Keys in order of making; without `all` only those by which certificates can be had. */
export function listAcmeKeys(
  context: Pick<AdminContext, 'clock' | 'acme'>,
  { all = false }: { readonly all?: boolean | undefined },
): AcmeKeyView[] {
  const views = context.acme.keys().map((key) => view(context, key));
  return all ? views : views.filter(({ state }) => state === 'open' || state === 'used');
}

function view({ clock, acme }: Pick<AdminContext, 'clock' | 'acme'>, key: AcmeKey): AcmeKeyView {
  const { id, holder, profile, names, createdAt, expires, account = null } = key;
  const serial = (account === null ? undefined : acme.issuedOrders(account, 1)[0]?.serial) ?? null;
  return { id, holder, profile, names, state: stateOf(), createdAt, expires, account, serial };

  function stateOf(): AcmeKeyView['state'] {
    if (key.withdrawn) return 'withdrawn';
    if (account !== null) return acme.account(account)?.status === 'valid' ? 'used' : 'closed';
    return expires <= clock.now() ? 'expired' : 'open';
  }
}

/** Withdraws a key, and closes the account that was opened with it; its certificates stay. Throws OperationError `not-found`. */
export function withdrawAcmeKey(
  context: AdminContext,
  { id }: { readonly id: string },
): { readonly id: string; readonly holder: string } {
  const key = context.acme.key(id);
  if (key === undefined || key.withdrawn)
    throw new OperationError(
      'not-found',
      `there is no ACME key "${id}" that was not withdrawn`,
      'see "sealpost acme list --all"',
    );
  withdraw(context, key, 'withdrawn');
  return { id, holder: key.holder };
}

function withdraw({ acme, ledger, actor, clock }: AdminContext, { id, holder }: AcmeKey, what: string): void {
  acme.withdrawKey(id);
  ledger.appendAudit({ action: 'token', by: actor, holder, detail: `ACME key ${id} ${what}` }, clock.now());
}

export interface RevokedHolder extends Revoked {
  /** ACME keys that were withdrawn with them. */
  readonly acmeKeys: readonly string[];
  /** Passwords of the holder, likewise; none when a serial number was given. */
  readonly passwords: readonly string[];
}

/**
 * What an operator revokes must not come back by itself: the account that ordered it is closed first. One that is
 * superseded has a successor, and its account goes on. A holder's name means the passwords too, and they may be all there
 * is. Throws OperationError as `revokeCertificates`.
 */
export async function revokeHolder(context: AdminContext, request: Revocation): Promise<RevokedHolder> {
  const name = request.holder ?? request.name;
  const passwords = request.reason === 'superseded' ? [] : passwordsOf(context, name);
  await withdrawPasswords(context, passwords, 'withdrawn with its holder');
  const ids = passwords.map(({ id }) => id);
  if (ids.length > 0 && context.ledger.find({ holder: passwords[0]?.holder }).length === 0)
    return { revoked: [], before: [], acmeKeys: [], passwords: ids };
  const keys = request.reason === 'superseded' ? [] : keysOf(context, selectRevocable(context, request));
  for (const key of keys) withdraw(context, key, 'withdrawn with its certificate');
  return { ...(await revokeCertificates(context, request)), acmeKeys: keys.map(({ id }) => id), passwords: ids };
}

/** The keys, not withdrawn yet, by whose accounts these were ordered. */
function keysOf({ acme }: AdminContext, records: readonly LedgerRecord[]): AcmeKey[] {
  const accounts = new Set(
    records.filter(({ state }) => state !== 'revoked').map(({ serial }) => acme.orderOf(serial)?.account),
  );
  return acme.keys().filter(({ account, withdrawn }) => !withdrawn && account !== undefined && accounts.has(account));
}
