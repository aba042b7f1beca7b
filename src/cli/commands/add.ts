/**
 * `add`: a certificate for a holder. By itself it makes a one-time token, and the holder makes the key; a request is
 * answered with a certificate; and only when it is said, the key is made here and leaves in a bundle.
 */
import { type Command, buildCommand } from '@stricli/core';
import type { AddedHolder } from '../../admin/holder.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { CliError } from '../exit.ts';
import { commonFlags, directoryAlias, helpText, wholeNumber } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { type EnrolmentToken, shownToken, tokenWords } from './add-words.ts';
import { type BundleFlags, bundleFlags, clientFacts, fileName, handOver, makesKey } from './hand-over.ts';

const PROFILES = ['person', 'device', 'service', 'server'] as const;

interface AddFlags extends BundleFlags {
  readonly profile?: (typeof PROFILES)[number];
  readonly days?: number;
  readonly dns?: readonly string[];
  readonly uri?: readonly string[];
  readonly subject?: string;
  readonly hours?: number;
  readonly why?: string;
}

export function addCommand(messages: Messages): Command<CliContext> {
  const text = (key: MessageKey, placeholder: string) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder }) as const;
  const number = (key: MessageKey, most: number) =>
    ({
      kind: 'parsed',
      parse: wholeNumber(messages, 1, most),
      optional: true,
      brief: messages[key],
      placeholder: 'N',
    }) as const;
  return buildCommand<AddFlags, [string], CliContext>({
    async func(flags, name) {
      await add(this, flags, name);
    },
    parameters: {
      flags: {
        ...bundleFlags(messages),
        profile: { kind: 'enum', values: PROFILES, optional: true, brief: messages['add.profile'] },
        days: number('add.days', 36_500),
        dns: { ...text('add.dns', 'NAME'), variadic: ',' },
        uri: { ...text('add.uri', 'URI'), variadic: ',' },
        subject: text('add.subject', 'NAME'),
        hours: number('add.hours', 8_760),
        why: text('add.why', 'TEXT'),
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
  if (makesKey(printer, flags) || flags.csr !== undefined) {
    const { profile, days, dns: dnsNames, uri: uris, subject, why } = flags;
    const wish = { holder: name, profile, days, dnsNames, uris, subject, why };
    return await handOver({
      context,
      printer,
      flags,
      name,
      ask: async (key) => (await operate(context, flags, 'certificate.add', { ...wish, ...key })) as AddedHolder,
    });
  }
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
  const shown = shownToken(made, await clientFacts(context, flags), fileName(name));
  printer.data(shown, () => tokenWords(printer, shown));
}
