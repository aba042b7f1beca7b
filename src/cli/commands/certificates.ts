import { resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import type { CertificateDetails, CertificateView } from '../../admin/certificate-view.ts';
import type { AddedHolder, Revoked } from '../../admin/certificates.ts';
import { type CliContext, Printer, directoryOf } from '../context.ts';
import { CliError } from '../exit.ts';
import { openOutputs, readGiven, readPassphrase } from '../files.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText, wholeNumber } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { date, pairs, safe, table, time } from '../output.ts';

const PROFILES = ['person', 'device', 'service', 'server'] as const;
const REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;

interface AddFlags extends CommonFlags {
  readonly csr?: string;
  readonly p12?: string;
  readonly pem?: string;
  readonly profile?: (typeof PROFILES)[number];
  readonly days?: number;
  readonly dns?: readonly string[];
  readonly passphraseFd?: number;
  readonly force: boolean;
}

export function addCommand(messages: Messages): Command<CliContext> {
  const file = (key: MessageKey) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder: 'FILE' }) as const;
  return buildCommand<AddFlags, [string], CliContext>({
    async func(flags, name) {
      await add(this, flags, name);
    },
    parameters: {
      flags: {
        csr: file('add.csr'),
        p12: file('add.p12'),
        pem: file('add.pem'),
        profile: { kind: 'enum', values: PROFILES, optional: true, brief: messages['add.profile'] },
        days: {
          kind: 'parsed',
          parse: wholeNumber(messages, 1, 36_500),
          optional: true,
          brief: messages['add.days'],
          placeholder: 'N',
        },
        dns: {
          kind: 'parsed',
          parse: String,
          optional: true,
          variadic: ',',
          brief: messages['add.dns'],
          placeholder: 'NAME',
        },
        passphraseFd: {
          kind: 'parsed',
          parse: wholeNumber(messages, 0, 65_535),
          optional: true,
          brief: messages['add.passphraseFd'],
          placeholder: 'N',
        },
        force: { kind: 'boolean', default: false, withNegated: false, brief: messages['add.force'] },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: { kind: 'tuple', parameters: [{ parse: String, brief: messages['add.name'], placeholder: 'NAME' }] },
    },
    docs: {
      brief: messages['add.brief'],
      fullDescription: helpText(messages, messages['add.more'], [
        'add alice@example.net',
        'add alice@example.net --p12 /media/usb/alice.p12 --passphrase-fd 3 3< passphrase',
        'add printer-2 --pem printer-2.pem --days 365',
        'add bob@example.net --csr bob.csr --pem bob.pem',
      ]),
    },
  });
}

async function add(context: CliContext, flags: AddFlags, name: string): Promise<void> {
  const printer = new Printer(context, flags.json);
  const at = (path: string): string => resolve(context.workingDirectory, path);
  if (flags.csr !== undefined && flags.p12 !== undefined)
    throw new CliError('usage', printer.say('error.csrAndBundle'));
  const csr = flags.csr === undefined ? undefined : readGiven(context, at(flags.csr));
  // Without a request the bundle is what the holder needs; with one, the certificate.
  const p12 =
    csr === undefined && (flags.p12 !== undefined || flags.pem === undefined)
      ? at(flags.p12 ?? `${fileName(name)}.p12`)
      : undefined;
  const pem = flags.pem !== undefined ? at(flags.pem) : csr !== undefined ? at(`${fileName(name)}.pem`) : undefined;
  const p12Passphrase = flags.passphraseFd === undefined ? undefined : readPassphrase(context, flags.passphraseFd);
  // The files are opened first: a certificate that cannot be written should never have been issued.
  const outputs = openOutputs(context, [p12, pem], flags.force);
  try {
    const input = { holder: name, csr, profile: flags.profile, days: flags.days, dnsNames: flags.dns, p12Passphrase };
    const added = (await context.reach.operate(
      directoryOf(context, flags.directory),
      'certificate.add',
      input,
    )) as AddedHolder;
    outputs.write(p12, added.p12);
    outputs.write(pem, csr === undefined ? added.pem : added.chain);
    const shown = {
      certificate: added.certificate,
      others: added.others,
      p12: p12 ?? null,
      pem: pem ?? null,
      passphrase: p12 === undefined ? null : (added.passphrase ?? null),
    };
    printer.data(shown, () => addedWords(printer, shown));
  } catch (error) {
    outputs.abandon();
    throw error;
  }
}

interface ShownAddition {
  readonly certificate: CertificateView;
  readonly others: readonly CertificateView[];
  readonly p12: string | null;
  readonly pem: string | null;
  readonly passphrase: string | null;
}

function addedWords(printer: Printer, { certificate, others, p12, pem, passphrase }: ShownAddition): string {
  const { serial, holder, notAfter } = certificate;
  const rows: (readonly [string, string])[] = [];
  if (p12 !== null) rows.push([printer.say('add.bundle'), p12]);
  if (passphrase !== null) rows.push([printer.say('add.passphrase'), printer.paint('bold', passphrase)]);
  if (pem !== null) rows.push([printer.say('add.pemFile'), pem]);
  return [
    `${printer.paint('green', printer.say('add.done', { serial, holder: safe(holder), until: date(notAfter) }))}\n`,
    pairs(rows),
    passphrase === null ? '' : `${printer.say('add.passphrase.once')}\n`,
    p12 === null ? '' : `${printer.say('add.use')}\n`,
    others.length === 0 ? '' : `${printer.say('add.others', { count: others.length, holder: safe(holder) })}\n`,
  ].join('');
}

interface ListFlags extends CommonFlags {
  readonly all: boolean;
}

export function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const input = flags.all ? { all: true } : {};
      const list = (await this.reach.operate(
        directoryOf(this, flags.directory),
        'certificate.list',
        input,
      )) as CertificateView[];
      printer.data(list, () => listWords(printer, list));
    },
    parameters: {
      flags: {
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['list.all'] },
        ...commonFlags(messages),
      },
      aliases: { ...directoryAlias, a: 'all' },
    },
    docs: {
      brief: messages['list.brief'],
      fullDescription: helpText(messages, undefined, ['list', 'list --all --json']),
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

function stateWord(printer: Printer, { state, ended }: CertificateView): string {
  return state === 'active' && ended ? printer.say('state.ended') : printer.say(`state.${state}`);
}

export function showCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const found = (await this.reach.operate(directoryOf(this, flags.directory), 'certificate.show', {
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
    ...one.accessLines.map((line, index) => [index === 0 ? printer.say('show.access') : '', line] as const),
  ]);
}

interface RevokeFlags extends CommonFlags {
  readonly reason?: (typeof REASONS)[number];
}

export function revokeCommand(messages: Messages): Command<CliContext> {
  return buildCommand<RevokeFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const input = flags.reason === undefined ? { name } : { name, reason: flags.reason };
      const result = (await this.reach.operate(
        directoryOf(this, flags.directory),
        'certificate.revoke',
        input,
      )) as Revoked;
      printer.data(result, () =>
        result.revoked.length === 0
          ? `${printer.say('revoke.none', { name: safe(name) })}\n`
          : result.revoked
              .map(({ serial, holder }) => `${printer.say('revoke.done', { serial, holder: safe(holder) })}\n`)
              .join(''),
      );
    },
    parameters: {
      flags: {
        reason: { kind: 'enum', values: REASONS, optional: true, brief: messages['revoke.reason'] },
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
        'revoke alice@example.net --reason keyCompromise',
        'revoke 4a1f09',
      ]),
    },
  });
}

/** A holder's name as a file name. */
function fileName(name: string): string {
  return (
    name
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}@._+-]/gu, '_')
      .replace(/^\.+/, '') || 'holder'
  );
}
