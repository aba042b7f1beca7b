/** `ca import` and `ca export`: from and to a directory of `openssl ca`. */
import { resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import { type CliContext, Printer, directoryOf } from '../context.ts';
import { givenOrAsked } from '../ca-passphrase.ts';
import { readPassphrase } from '../files.ts';
import { type CommonFlags, commonFlags, descriptorFlag, directoryAlias, helpText } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { safe } from '../output.ts';

interface ImportFlags extends CommonFlags {
  readonly hostname?: string;
  readonly caPassphraseFd?: number;
}

export function importCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ImportFlags, [string], CliContext>({
    async func(flags, given) {
      const printer = new Printer(this, flags.json);
      const from = resolve(this.workingDirectory, given);
      const directory = directoryOf(this, flags.directory);
      const ask = givenOrAsked(this, flags.caPassphraseFd);
      const { created, imported } = await this.reach.importAuthority(directory, flags.hostname, from, ask);
      const { certificates, withdrawn, subject, warnings } = imported;
      printer.data({ ...created, ...imported }, () =>
        [
          printer.paint('green', printer.say('ca.import.done', { certificates, withdrawn, subject: safe(subject) })),
          ...warnings.map((warning) => printer.paint('yellow', safe(warning))),
          printer.say('ca.import.next', { directory, root: created.rootCertificate }),
          '',
        ].join('\n'),
      );
    },
    parameters: {
      flags: {
        hostname: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['init.hostname'],
          placeholder: 'NAME',
        },
        caPassphraseFd: descriptorFlag(messages, 'ca.import.passphraseFd'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['ca.import.from'], placeholder: 'FROM' }],
      },
    },
    docs: {
      brief: messages['ca.import.brief'],
      fullDescription: helpText(messages, messages['ca.import.more'], [
        'ca import /var/ssl/CA --hostname relay.example.net',
        'ca import /var/ssl/CA -d /var/lib/sealpost --ca-passphrase-fd 3 3< passphrase',
      ]),
    },
  });
}

interface ExportFlags extends CommonFlags {
  readonly passphraseFd?: number;
  readonly caPassphraseFd?: number;
}

export function exportCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ExportFlags, [string], CliContext>({
    async func(flags, given) {
      const printer = new Printer(this, flags.json);
      const to = resolve(this.workingDirectory, given);
      const wanted = flags.passphraseFd === undefined ? undefined : readPassphrase(this, flags.passphraseFd);
      const custody = await this.reach.custody(directoryOf(this, flags.directory));
      try {
        const exported = await custody.exportDirectory(to, wanted, givenOrAsked(this, flags.caPassphraseFd));
        const { certificates, passphrase, command } = exported;
        printer.data({ ...exported, passphrase: passphrase ?? null, directory: to }, () =>
          [
            printer.paint('green', printer.say('ca.export.done', { certificates, directory: to })),
            ...(passphrase === undefined
              ? []
              : [printer.say('ca.export.passphrase', { passphrase: printer.paint('bold', passphrase) })]),
            printer.say('ca.export.next'),
            `  ${command}`,
            printer.paint('yellow', printer.say('ca.export.twice')),
            '',
          ].join('\n'),
        );
      } finally {
        custody.close();
      }
    },
    parameters: {
      flags: {
        passphraseFd: descriptorFlag(messages, 'ca.export.passphraseFd'),
        caPassphraseFd: descriptorFlag(messages, 'ca.import.passphraseFd'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['ca.export.to'], placeholder: 'TO' }],
      },
    },
    docs: {
      brief: messages['ca.export.brief'],
      fullDescription: helpText(messages, messages['ca.export.more'], ['ca export /media/usb/ca']),
    },
  });
}
