/** How the relay is doing, as one value. */
import type { Ms } from '../base/clock.ts';
import { formatHead } from '../ca/audit.ts';
import type { SpoolCounts } from '../relay/spool/spool.ts';
import { keyState } from './authority.ts';
import type { AdminContext, LiveRelay } from './context.ts';
import { listTrusts, type TrustWarning } from './trust.ts';
import { endingWithin } from './reminders.ts';

const SOON: Ms = 30 * 86_400_000;
/** Certificates that are named one by one. */
const NAMED = 100;

export interface StatusReport {
  readonly running: boolean;
  readonly directory: string;
  readonly hostname: string;
  /** Null when it is stopped. */
  readonly startedAt: Ms | null;
  readonly now: Ms;
  readonly listeners: ReturnType<LiveRelay['listening']>;
  /** Since the start; null when it is stopped. */
  readonly counts: Awaited<ReturnType<LiveRelay['counts']>> | null;
  readonly queue: SpoolCounts;
  readonly certificates: {
    readonly active: number;
    readonly suspended: number;
    readonly revoked: number;
    /** Serial numbers whose signing did not end: nobody knows of a certificate, and they are on the CRL. */
    readonly abandoned: number;
    /** Active ones that end within 30 days and were not renewed, the server's from outside too; the first few, soonest first. */
    readonly ending: readonly { readonly holder: string; readonly serial: string; readonly notAfter: Ms }[];
    readonly endingCount: number;
  };
  /** Whether the issuing key can be used; null when it is stopped, or somebody else issues. */
  readonly issuingKey: Awaited<ReturnType<typeof keyState>> | null;
  /** CAs from outside. */
  readonly trusts: {
    readonly count: number;
    /** What has run out or will within days. */
    readonly warnings: readonly TrustWarning[];
    /** Why files cannot be used now. */
    readonly faults: readonly string[];
  };
  /** The issuance log; null when it has no entry. */
  readonly log: {
    readonly entries: number;
    /** To be kept elsewhere, for `audit verify --head`. */
    readonly head: string;
    /** How far the clock is behind the last entry. */
    readonly clockBehind: Ms;
  } | null;
}

export async function status(context: AdminContext): Promise<StatusReport> {
  const now = context.clock.now();
  const { ledger } = context;
  const { active, suspended, revoked, abandoned } = ledger.counts(now);
  const soon = { state: 'active', current: true, endsAfter: now, endsBefore: now + SOON } as const;
  const ending = await endingWithin(context, SOON, NAMED);
  const head = ledger.auditHead();
  return {
    running: context.live !== undefined,
    directory: context.directory,
    hostname: context.config.hostname,
    startedAt: context.live?.startedAt ?? null,
    now,
    listeners: context.live?.listening() ?? [],
    counts: (await context.live?.counts()) ?? null,
    queue: await context.spool.counts(),
    certificates: {
      active,
      suspended,
      revoked,
      abandoned,
      ending: ending.map(({ holder, serial, notAfter }) => ({ holder, serial, notAfter })),
      endingCount: ending.length < NAMED ? ending.length : ledger.count(soon),
    },
    issuingKey: await issuingKey(context),
    trusts: await trustReport(context),
    log:
      head === undefined
        ? null
        : { entries: head.number, head: formatHead(head), clockBehind: Math.max(0, head.at - now) },
  };
}

async function issuingKey(context: AdminContext): Promise<StatusReport['issuingKey']> {
  if (context.live === undefined || !context.config.tls.ownAuthority) return null;
  const known = context.custody.known();
  return known === undefined ? await keyState(context) : { state: known, fault: null };
}

async function trustReport(context: AdminContext): Promise<StatusReport['trusts']> {
  const trusts = await listTrusts(context);
  return {
    count: trusts.length,
    warnings: trusts.flatMap(({ warnings }) => warnings),
    faults: trusts.flatMap(({ faults }) => faults),
  };
}
