import { type Command, buildCommand } from '@stricli/core';
import type { RevokedHolder } from '../../admin/acme.ts';
import type { CertificateDetails, CertificateView } from '../../admin/certificate-view.ts';
import type { CertificateListing } from '../../admin/certificates.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText, timeSpan, wholeNumber } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { date, pairs, safe, table, time } from '../output.ts';

const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;

interface ListFlags extends CommonFlags {
  readonly all: boolean;
  readonly expiring?: number;
  readonly limit?: number;
}

export function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const input = { ...(flags.all ? { all: true } : {}), expiring: flags.expiring, limit: flags.limit };
      const { certificates, more } = (await operate(this, flags, 'certificate.list', input)) as CertificateListing;
      printer.data(certificates, () => listWords(printer, certificates));
      if (more > 0) this.process.stderr.write(`${printer.say('list.more', { count: more })}\n`);
    },
    parameters: {
      flags: {
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['list.all'] },
        expiring: {
          kind: 'parsed',
          parse: timeSpan(messages),
          optional: true,
          brief: messages['list.expiring'],
          placeholder: 'TIME',
        },
        limit: {
          kind: 'parsed',
          parse: wholeNumber(messages, 1, 100_000),
          optional: true,
          brief: messages['list.limit'],
          placeholder: 'N',
        },
        ...commonFlags(messages),
      },
      aliases: { ...directoryAlias, a: 'all' },
    },
    docs: {
      brief: messages['list.brief'],
      fullDescription: helpText(messages, undefined, ['list', 'list --all --json', 'list --expiring 30d']),
    },
  });
}

function listWords(printer: Printer, list: readonly CertificateView[]): string {
  if (list.length === 0) return `${printer.say('list.empty')}\n`;
  const heads = (['holder', 'profile', 'state', 'until', 'serial'] as const).map((name) =>
    printer.say(`column.${name}`),
  );
  return table(
    heads,
    list.map((one) => [safe(one.holder), one.profile, stateWord(printer, one), date(one.notAfter), one.serial]),
  );
}

function stateWord(printer: Printer, { state, ended }: Pick<CertificateView, 'state' | 'ended'>): string {
  return state === 'active' && ended ? printer.say('state.ended') : printer.say(`state.${state}`);
}

export function showCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const found = (await operate(this, flags, 'certificate.show', {
        name,
      })) as CertificateDetails[];
      printer.data(found, () => found.map((one) => detailWords(printer, one)).join('\n'));
    },
    parameters: {
      flags: commonFlags(messages),
      aliases: directoryAlias,
      positional: { kind: 'tuple', parameters: [{ parse: String, brief: messages['show.name'], placeholder: 'NAME' }] },
    },
    docs: {
      brief: messages['show.brief'],
      fullDescription: helpText(messages, undefined, ['show alice@example.net', 'show 4a1f09 --json']),
    },
  });
}

function detailWords(printer: Printer, one: CertificateDetails): string {
  const withdrawn = one.revokedAt === null ? '' : ` (${time(one.revokedAt)}, ${one.reason ?? 'unspecified'})`;
  return pairs([
    [printer.say('add.certificate'), one.serial],
    [printer.say('show.holder'), `${safe(one.holder)} (${one.profile})`],
    [printer.say('show.state'), stateWord(printer, one) + withdrawn],
    [printer.say('show.valid'), `${time(one.notBefore)} - ${time(one.notAfter)}`],
    [printer.say('show.subject'), one.subject],
    [printer.say('show.issuer'), one.issuer],
    [printer.say('show.names'), [...one.emails, ...one.dnsNames].map(safe).join(', ') || '-'],
    [printer.say('show.fingerprint'), one.fingerprint],
    ...lineRows(printer, one),
    ...one.accessLines.map((line, index) => [index === 0 ? printer.say('show.access') : '', line] as const),
  ]);
}

/** The line of succession, when there is more than one in it. */
function lineRows(printer: Printer, one: CertificateDetails): (readonly [string, string])[] {
  const { line, replacedBy, overlapEnds } = one;
  if (line.length < 2) return [];
  const rows = line.map(({ serial, notBefore, notAfter, state, ended }, index) => {
    const here = serial === one.serial ? ` ${printer.say('show.line.this')}` : '';
    const word = stateWord(printer, { state, ended });
    return [
      index === 0 ? printer.say('show.line') : '',
      `${date(notBefore)} - ${date(notAfter)}  ${serial}  ${word}${here}`,
    ] as const;
  });
  if (replacedBy === null || one.state !== 'active' || one.ended) return rows;
  const until = time(Math.min(overlapEnds ?? one.notAfter, one.notAfter));
  return [...rows, ['', printer.say('show.overlap', { serial: replacedBy, until })]];
}

interface RevokeFlags extends CommonFlags {
  readonly reason?: (typeof REASONS)[number];
  readonly why?: string;
}

export function revokeCommand(messages: Messages): Command<CliContext> {
  return buildCommand<RevokeFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const { reason, why } = flags;
      const input = { name, ...(reason === undefined ? {} : { reason }), ...(why === undefined ? {} : { why }) };
      const result = (await operate(this, flags, 'certificate.revoke', input)) as RevokedHolder;
      printer.data(result, () => {
        if (result.revoked.length + result.passwords.length === 0)
          return `${printer.say('revoke.none', { name: safe(name) })}\n`;
        const lines = [
          ...result.revoked.map(({ serial, holder }) => printer.say('revoke.done', { serial, holder: safe(holder) })),
          ...result.acmeKeys.map((id) => printer.say('revoke.acme', { id })),
          ...result.passwords.map((id) => printer.say('revoke.password', { id })),
        ];
        return `${lines.join('\n')}\n`;
      });
    },
    parameters: {
      flags: {
        reason: { kind: 'enum', values: REASONS, optional: true, brief: messages['revoke.reason'] },
        why: { kind: 'parsed', parse: String, optional: true, brief: messages['add.why'], placeholder: 'TEXT' },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['revoke.name'], placeholder: 'NAME' }],
      },
    },
    docs: {
      brief: messages['revoke.brief'],
      fullDescription: helpText(messages, messages['revoke.more'], [
        "revoke alice@example.net --reason keyCompromise --why 'laptop stolen'",
        'revoke 4a1f09',
      ]),
    },
  });
}
