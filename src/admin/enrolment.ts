/** One-time tokens by which holders get a certificate for a key that they make themselves. */
import type { Ms } from '../base/clock.ts';
import { makeToken, type Enrolment } from '../ca/enrolment.ts';
import type { ProfileName } from '../ca/ledger.ts';
import { certifiedNames, isAddress } from '../ca/profile.ts';
import { checked } from './certificate-issue.ts';
import type { AdminContext } from './context.ts';
import { OperationError } from './errors.ts';
import { lifeOf } from './holder.ts';

const HOUR: Ms = 3_600_000;
const USUAL_HOURS = 72;
const LISTED = 1_000;

export type EnrolmentContext = Pick<AdminContext, 'actor' | 'clock' | 'random' | 'ledger' | 'enrolments'>;

export interface EnrolmentRequest {
  readonly holder: string;
  /** Undefined: person for an address, else device. */
  readonly profile?: ProfileName | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  /** Life of the certificate; undefined: as long as the profile allows. */
  readonly days?: number | undefined;
  /** Life of the token; undefined: 72. */
  readonly hours?: number | undefined;
  /** For the issuance log. */
  readonly why?: string | undefined;
}

export interface NewToken {
  readonly id: string;
  readonly holder: string;
  /** Told only now. */
  readonly token: string;
  readonly expires: Ms;
}

/** Makes a token. Throws OperationError `usage` when no certificate could be issued for it. */
export function createEnrolment(context: EnrolmentContext, request: EnrolmentRequest): NewToken {
  const { actor, clock, random, ledger, enrolments } = context;
  const holder = request.holder.trim().toLowerCase();
  const profile = request.profile ?? (isAddress(holder) ? 'person' : 'device');
  const dnsNames = (request.dnsNames ?? []).map((name) => name.trim().toLowerCase());
  const life = lifeOf(profile, request.days);
  // The CA's name constraints are behind the door: they are looked at when the certificate is asked for.
  checked(() => certifiedNames(profile, { holder, dnsNames, uris: [] }, undefined));
  const now = clock.now();
  const { token, hash, id } = makeToken(random);
  const expires = now + (request.hours ?? USUAL_HOURS) * HOUR;
  const fresh = { id, holder, profile, dnsNames, life, createdAt: now, expires, by: actor };
  enrolments.add({ ...fresh, usedAt: undefined, serial: undefined, withdrawn: false }, hash);
  const why = request.why === undefined ? '' : `: ${request.why}`;
  ledger.appendAudit({ action: 'token', by: actor, holder, detail: `token ${id} for ${profile}${why}` }, now);
  return { id, holder, token, expires };
}

export interface EnrolmentView {
  readonly id: string;
  readonly holder: string;
  readonly profile: ProfileName;
  readonly state: 'open' | 'used' | 'expired' | 'withdrawn';
  readonly createdAt: Ms;
  readonly expires: Ms;
  readonly by: string;
  readonly serial: string | null;
}

/** The latest tokens; without `all` only those that can still be used. */
export function listEnrolments(
  { clock, enrolments }: EnrolmentContext,
  { all = false }: { readonly all?: boolean | undefined },
): EnrolmentView[] {
  const now = clock.now();
  const views = enrolments.list(LISTED).map((enrolment) => view(enrolment, now));
  return all ? views : views.filter(({ state }) => state === 'open');
}

/** Withdraws a token that was not used. Throws OperationError `not-found`. */
export function withdrawEnrolment(
  { actor, clock, ledger, enrolments }: EnrolmentContext,
  { id }: { readonly id: string },
): { readonly id: string } {
  if (!enrolments.withdraw(id))
    throw new OperationError(
      'not-found',
      `there is no token "${id}" that could still be used`,
      'see "sealpost token list --all"',
    );
  ledger.appendAudit({ action: 'token', by: actor, detail: `token ${id} withdrawn` }, clock.now());
  return { id };
}

function view(enrolment: Enrolment, now: Ms): EnrolmentView {
  const { id, holder, profile, createdAt, expires, by, serial, usedAt, withdrawn } = enrolment;
  const state = withdrawn ? 'withdrawn' : usedAt !== undefined ? 'used' : expires <= now ? 'expired' : 'open';
  return { id, holder, profile, state, createdAt, expires, by, serial: serial ?? null };
}
