/**
 * What the CA tells by mail: to holders that their certificate ends soon, to the operator what ends soon and the head of
 * the issuance log. It decides who is told what and when; sending is the caller's. Whatever was renewed is not spoken of,
 * and no key, token or passphrase ever is.
 */
import type { Ms } from '../base/clock.ts';
import type { LedgerRecord } from '../ca/ledger.ts';
import { isAddress } from '../ca/profile.ts';
import type { AdminContext } from './context.ts';
import { auditHeadMail, holderMail, operatorMail, type MailText } from './reminder-text.ts';
import { serverInForce } from './server-certificate.ts';

/** A mail to one address. */
export interface Notice extends MailText {
  /** What it tells; it is sent unless all of these were told before. */
  readonly names: readonly string[];
  readonly to: string;
}

/** Where notices go; the daemon puts them into the spool. */
export interface Notices {
  /** Those of the names that were told before. */
  known(names: readonly string[]): Promise<ReadonlySet<string>>;
  /** In the spool when it resolves. */
  send(notices: readonly Notice[]): Promise<void>;
  forget(before: Ms): void;
}

/** A certificate that ends soon and that nothing has taken the place of. */
export interface Ending {
  readonly holder: string;
  readonly serial: string;
  /** Undefined: the server certificate in force, which came from outside. */
  readonly profile: LedgerRecord['profile'] | undefined;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
}

type ReminderContext = Pick<AdminContext, 'clock' | 'config' | 'ledger' | 'files'>;

const DAY: Ms = 86_400_000;
const PAGE = 500;

/** What ends within this time, soonest first; at most `limit`. */
export async function endingWithin(context: ReminderContext, within: Ms, limit: number = Infinity): Promise<Ending[]> {
  const found = await outsideServer(context, within);
  for (const record of endingRecords(context, within)) {
    if (found.length >= limit) break;
    found.push(record);
  }
  return found.toSorted((one, other) => one.notAfter - other.notAfter);
}

/** Reminds holders and operator of what ends soon, once for each stage of `notices.reminders`. */
export async function remind(context: ReminderContext, notices: Notices): Promise<void> {
  const { config, clock } = context;
  const stages = config.notices.reminders.toSorted((one, other) => one - other);
  const horizon = stages.at(-1);
  if (horizon === undefined) return;
  const now = clock.now();
  const due = (await endingWithin(context, horizon)).flatMap((ending) => {
    const stage = stageOf(ending, stages, now);
    return stage === undefined ? [] : [{ ending, name: `${ending.serial} ${stage / 1_000}` }];
  });
  const { hostname } = config;
  for (let at = 0; at < due.length; at += PAGE) {
    const personal = due
      .slice(at, at + PAGE)
      .filter(({ ending }) => ending.profile === 'person' && isAddress(ending.holder));
    await notices.send(
      personal.map(({ ending, name }) => ({
        names: [`holder ${name}`],
        to: ending.holder,
        ...holderMail(ending, hostname, now),
      })),
    );
  }
  await tellOperator(context, notices, due);
  notices.forget(now - horizon - 30 * DAY);
}

/** One summary a day at most, and only when there is something in it that was not told. */
async function tellOperator(
  { config, clock }: ReminderContext,
  notices: Notices,
  due: readonly { readonly ending: Ending; readonly name: string }[],
): Promise<void> {
  const now = clock.now();
  for (const to of config.notices.operator) {
    const today = `summary ${dayOf(now)} ${to}`;
    const names = due.map(({ name }) => `operator ${to} ${name}`);
    const known = await notices.known([today, ...names]);
    if (known.has(today) || names.every((name) => known.has(name))) continue;
    const text = operatorMail(
      due.map(({ ending }) => ending),
      config.hostname,
      now,
    );
    await notices.send([{ names: [today, ...names], to, ...text }]);
  }
}

/**
 * Mails the head of the issuance log, once a day: kept elsewhere, it shows when the end of the log was cut off, which the
 * log itself cannot show.
 */
export async function tellAuditHead({ config, clock, ledger }: ReminderContext, notices: Notices): Promise<void> {
  const head = ledger.auditHead();
  if (head === undefined || config.notices.operator.length === 0) return;
  const now = clock.now();
  const text = auditHeadMail(head, ledger.counts(now), config.hostname, now);
  await notices.send(config.notices.operator.map((to) => ({ names: [`audit head ${dayOf(now)} ${to}`], to, ...text })));
}

/**
 * The smallest stage that is reached. A stage of more than half of a certificate's life is none: who has a certificate
 * for a week is not told at once that it ends within thirty days.
 */
function stageOf({ notBefore, notAfter }: Ending, stages: readonly Ms[], now: Ms): Ms | undefined {
  return stages.find((stage) => notAfter - now <= stage && stage <= (notAfter - notBefore) / 2);
}

/** Of the ledger, by end. The responder's certificate and the server's are the relay's own business while it renews them. */
function* endingRecords({ ledger, clock }: ReminderContext, within: Ms): Generator<Ending> {
  const now = clock.now();
  let after: LedgerRecord | undefined;
  for (;;) {
    const page: LedgerRecord[] = ledger.find({
      state: 'active',
      current: true,
      endsAfter: now,
      endsBefore: now + within,
      order: 'ending',
      limit: PAGE,
      after,
    });
    for (const record of page) if (record.profile !== 'responder') yield record;
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}

/** The server certificate in force, when it is not of our ledger and ends within this time. */
async function outsideServer(context: ReminderContext, within: Ms): Promise<Ending[]> {
  const server = await serverInForce(context);
  if (server === undefined || server.record !== undefined) return [];
  const { serial, notBefore, notAfter } = server.certificate;
  const left = notAfter - context.clock.now();
  return left <= 0 || left > within
    ? []
    : [{ holder: context.config.hostname, serial, profile: undefined, notBefore, notAfter }];
}

/** The day, UTC. */
function dayOf(at: Ms): number {
  return Math.floor(at / DAY);
}
