/**
 * `add`: a certificate for a holder. By itself it makes a one-time token, and the holder makes the key; a request is
 * answered with a certificate; and only when it is said, the key is made here and leaves in a bundle.
 */
import { resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import type { ClientFacts } from '../../admin/client-facts.ts';
import { settingsFor, takesPem, targetNames } from '../../admin/client-settings.ts';
import type { AddedHolder } from '../../admin/holder.ts';
import { type CliContext, Printer, directoryOf } from '../context.ts';
import { CliError, asCliError } from '../exit.ts';
import { openOutputs, readGiven, readPassphrase } from '../files.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText, wholeNumber } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { askNewSecret } from '../prompt.ts';
import { type EnrolmentToken, type ShownAddition, additionWords, shownToken, tokenWords } from './add-words.ts';

const PROFILES = ['person', 'device', 'service', 'server'] as const;
const KEYS = ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096', 'ml-dsa-65'] as const;

interface AddFlags extends CommonFlags {
  readonly csr?: string;
  readonly makeKey: boolean;
  readonly for?: (typeof targetNames)[number];
  readonly p12?: string;
  readonly pem?: string;
  readonly key?: (typeof KEYS)[number];
  readonly passphraseFd?: number;
  readonly askPassphrase: boolean;
  readonly profile?: (typeof PROFILES)[number];
  readonly days?: number;
  readonly dns?: readonly string[];
  readonly uri?: readonly string[];
  readonly subject?: string;
  readonly hours?: number;
  readonly why?: string;
  readonly force: boolean;
}

export function addCommand(messages: Messages): Command<CliContext> {
  const text = (key: MessageKey, placeholder: string) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder }) as const;
  const number = (key: MessageKey, most: number, least = 1) =>
    ({
      kind: 'parsed',
      parse: wholeNumber(messages, least, most),
      optional: true,
      brief: messages[key],
      placeholder: 'N',
    }) as const;
  const flag = (key: MessageKey) =>
    ({ kind: 'boolean', default: false, withNegated: false, brief: messages[key] }) as const;
  return buildCommand<AddFlags, [string], CliContext>({
    async func(flags, name) {
      await add(this, flags, name);
    },
    parameters: {
      flags: {
        csr: text('add.csr', 'FILE'),
        makeKey: flag('add.makeKey'),
        for: { kind: 'enum', values: targetNames, optional: true, brief: messages['add.for'] },
        p12: text('add.p12', 'FILE'),
        pem: text('add.pem', 'FILE'),
        key: { kind: 'enum', values: KEYS, optional: true, brief: messages['add.key'] },
        passphraseFd: number('add.passphraseFd', 65_535, 0),
        askPassphrase: flag('add.askPassphrase'),
        profile: { kind: 'enum', values: PROFILES, optional: true, brief: messages['add.profile'] },
        days: number('add.days', 36_500),
        dns: { ...text('add.dns', 'NAME'), variadic: ',' },
        uri: { ...text('add.uri', 'URI'), variadic: ',' },
        subject: text('add.subject', 'NAME'),
        hours: number('add.hours', 8_760),
        why: text('add.why', 'TEXT'),
        force: flag('add.force'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: { kind: 'tuple', parameters: [{ parse: String, brief: messages['add.name'], placeholder: 'NAME' }] },
    },
    docs: {
      brief: messages['add.brief'],
      fullDescription: helpText(messages, messages['add.more'], [
        'add alice@example.net',
        'add bob@example.net --csr bob.csr',
        'add carol@example.net --make-key --for windows',
        'add carol@example.net --p12 /media/usb/carol.p12 --passphrase-fd 3 3< passphrase',
        'add printer-2 --make-key --for msmtp --days 365',
      ]),
    },
  });
}

async function add(context: CliContext, flags: AddFlags, name: string): Promise<void> {
  const printer = new Printer(context, flags.json);
  const makesKey = flags.makeKey || (flags.csr === undefined && (flags.p12 ?? flags.pem) !== undefined);
  if (flags.csr !== undefined && (makesKey || flags.p12 !== undefined))
    throw new CliError('usage', printer.say('error.csrAndBundle'));
  if (!makesKey && (flags.key !== undefined || flags.passphraseFd !== undefined || flags.askPassphrase))
    throw new CliError('usage', printer.say('error.needsMakeKey'));
  if (flags.csr !== undefined) return await answer(context, printer, flags, flags.csr, name);
  if (makesKey) return await bundle(context, printer, flags, name);
  if (flags.for !== undefined) throw new CliError('usage', printer.say('error.forWhat', { name, target: flags.for }));
  if (flags.subject !== undefined || flags.uri !== undefined)
    throw new CliError('usage', printer.say('error.notInToken'));
  await token(context, printer, flags, name);
}

/** A one-time token, and what its holder does with it. */
async function token(context: CliContext, printer: Printer, flags: AddFlags, name: string): Promise<void> {
  const { profile, days, hours, dns: dnsNames, why } = flags;
  const input = { holder: name, profile, dnsNames, days, hours, why };
  const made = (await operate(context, flags, 'enrolment.create', input)) as EnrolmentToken;
  const shown = shownToken(made, await facts(context, flags), fileName(name));
  printer.data(shown, () => tokenWords(printer, shown));
}

/** A certificate for a request. */
async function answer(context: CliContext, printer: Printer, flags: AddFlags, request: string, name: string) {
  const csr = readGiven(context, at(context, request));
  const pem = at(context, flags.pem ?? `${fileName(name)}.pem`);
  await issueInto(context, printer, flags, name, {
    files: { p12: undefined, pem },
    key: { csr },
    fill: ({ chain }) => Promise.resolve({ p12: undefined, pem: chain }),
    passphrase: undefined,
  });
}

/** A key, its certificate and the bundle of both. */
async function bundle(context: CliContext, printer: Printer, flags: AddFlags, name: string): Promise<void> {
  const wantsPem = flags.pem !== undefined || takesPem(flags.for);
  const wantsP12 = flags.p12 !== undefined || !(takesPem(flags.for) || (flags.for === undefined && wantsPem));
  const files = {
    p12: wantsP12 ? at(context, flags.p12 ?? `${fileName(name)}.p12`) : undefined,
    pem: wantsPem ? at(context, flags.pem ?? `${fileName(name)}.pem`) : undefined,
  };
  const given = await givenPassphrase(context, printer, flags);
  const { bundlePassphrase, makeHolderKey } = await import('../../admin/holder-bundle.ts');
  const { systemRandom } = await import('../../platform/process/random.ts');
  const random = systemRandom();
  const passphrase = bundlePassphrase(given, random);
  const key = await makeHolderKey(flags.key ?? 'p256', random);
  await issueInto(context, printer, flags, name, {
    files,
    key: { publicKey: key.publicKey },
    async fill({ chain, certificate }) {
      const made = key.bundle(chain, certificate.holder);
      return {
        p12: wantsP12 ? await made.p12(flags.for, passphrase) : undefined,
        pem: wantsPem ? made.pem() : undefined,
      };
    },
    passphrase: wantsP12 && given === undefined ? passphrase : undefined,
  });
}

async function givenPassphrase(context: CliContext, printer: Printer, flags: AddFlags): Promise<string | undefined> {
  if (flags.passphraseFd !== undefined && flags.askPassphrase)
    throw new CliError('usage', printer.say('error.passphraseTwice'));
  if (flags.passphraseFd !== undefined) return readPassphrase(context, flags.passphraseFd);
  if (!flags.askPassphrase) return undefined;
  return await askNewSecret(context, printer.say('ask.bundle'), printer.say('ask.again'));
}

interface Issue {
  readonly files: { readonly p12: string | undefined; readonly pem: string | undefined };
  readonly key: { readonly csr: Uint8Array } | { readonly publicKey: Uint8Array };
  /** What goes into the files. */
  fill(added: AddedHolder): Promise<{ readonly p12: Uint8Array | undefined; readonly pem: Uint8Array | undefined }>;
  /** To be shown. */
  readonly passphrase: string | undefined;
}

async function issueInto(context: CliContext, printer: Printer, flags: AddFlags, name: string, issue: Issue) {
  const { files } = issue;
  const { profile, days, dns: dnsNames, uri: uris, subject, why } = flags;
  // The files are opened first: a certificate that cannot be written should never have been issued.
  const outputs = openOutputs(context, [files.p12, files.pem], flags.force);
  try {
    const input = { holder: name, ...issue.key, profile, days, dnsNames, uris, subject, why };
    const added = (await operate(context, flags, 'certificate.add', input)) as AddedHolder;
    const filled = await issue.fill(added);
    outputs.write(files.p12, filled.p12);
    outputs.write(files.pem, filled.pem);
    const here = flags.for === undefined ? undefined : await facts(context, flags);
    const shown: ShownAddition = {
      certificate: added.certificate,
      others: added.others,
      keyMade: 'publicKey' in issue.key,
      target: flags.for ?? null,
      p12: files.p12 ?? null,
      pem: files.pem ?? null,
      passphrase: issue.passphrase ?? null,
      settings: settingsOf(flags, here, files.pem, 'publicKey' in issue.key),
      root: here?.root ?? null,
    };
    printer.data(shown, () => additionWords(printer, shown));
  } catch (error) {
    outputs.abandon();
    throw asCliError(error);
  }
}

function settingsOf(flags: AddFlags, here: ClientFacts | undefined, pem: string | undefined, keyIsInIt: boolean) {
  if (here === undefined || pem === undefined) return null;
  const key = keyIsInIt ? pem : pem.replace(/\.[^./]*$/, '.key');
  return settingsFor(flags.for, here, { certificate: pem, key }) ?? null;
}

async function facts(context: CliContext, flags: AddFlags): Promise<ClientFacts> {
  return (await operate(context, flags, 'client.facts', {})) as ClientFacts;
}

function operate(context: CliContext, flags: AddFlags, operation: string, input: unknown): Promise<unknown> {
  return context.reach.operate(directoryOf(context, flags.directory), operation, input);
}

function at(context: CliContext, path: string): string {
  return resolve(context.workingDirectory, path);
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
