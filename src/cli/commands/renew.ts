/** `renew`: a new certificate in place of one that ends; both count until the overlap is over. */
import { type Command, buildCommand } from '@stricli/core';
import type { Renewed } from '../../admin/renewal.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { CliError } from '../exit.ts';
import { commonFlags, directoryAlias, helpText, timeSpan, wholeNumber } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { date, safe, time } from '../output.ts';
import { type BundleFlags, bundleFlags, handOver, makesKey } from './hand-over.ts';

interface RenewFlags extends BundleFlags {
  readonly days?: number;
  readonly overlap?: number;
}

export function renewCommand(messages: Messages): Command<CliContext> {
  return buildCommand<RenewFlags, [string], CliContext>({
    async func(flags, name) {
      await renew(this, flags, name);
    },
    parameters: {
      flags: {
        ...bundleFlags(messages),
        days: {
          kind: 'parsed',
          parse: wholeNumber(messages, 1, 36_500),
          optional: true,
          brief: messages['renew.days'],
          placeholder: 'N',
        },
        overlap: {
          kind: 'parsed',
          parse: timeSpan(messages),
          optional: true,
          brief: messages['renew.overlap'],
          placeholder: 'TIME',
        },
        force: { kind: 'boolean', default: false, withNegated: false, brief: messages['add.force'] },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['renew.name'], placeholder: 'NAME' }],
      },
    },
    docs: {
      brief: messages['renew.brief'],
      fullDescription: helpText(messages, messages['renew.more'], [
        'renew alice@example.net --csr alice.csr',
        'renew 4a1f09 --make-key --for windows',
        'renew printer-2 --make-key --pem printer-2.pem --overlap 7d',
      ]),
    },
  });
}

async function renew(context: CliContext, flags: RenewFlags, name: string): Promise<void> {
  const printer = new Printer(context, flags.json);
  const { days, overlap } = flags;
  const wish = { name, days, overlap };
  if (makesKey(printer, flags) || flags.csr !== undefined) {
    return await handOver({
      context,
      printer,
      flags,
      name,
      async ask(key) {
        const { certificate, replaced, chain } = (await operate(context, flags, 'certificate.renew', {
          ...wish,
          ...key,
        })) as Renewed;
        if (chain === undefined) throw new Error('the relay gave no certificate');
        return { certificate, others: [], chain, more: { replaced }, words: replacedWords(printer, replaced) };
      },
    });
  }
  if (flags.for !== undefined) throw new CliError('usage', printer.say('error.forWhat', { name, target: flags.for }));
  const renewed = (await operate(context, flags, 'certificate.renew', wish)) as Renewed;
  const { certificate, replaced } = renewed;
  printer.data({ certificate, replaced }, () => {
    const { serial, holder, notAfter } = certificate;
    const done = printer.say('add.done', { serial, holder: safe(holder), until: date(notAfter) });
    return `${printer.paint('green', done)}\n${printer.say('renew.server')}\n${replacedWords(printer, replaced)}`;
  });
}

function replacedWords(printer: Printer, { serial, overlapEnds, notAfter }: Renewed['replaced']): string {
  return `${printer.say('renew.replaced', { serial, until: time(Math.min(overlapEnds ?? notAfter, notAfter)) })}\n`;
}
