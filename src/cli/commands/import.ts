/** `import`: the configuration of another mail server as ours, with a report of what became of each line. */
import { resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import { type CliContext, Printer, directoryOf } from '../context.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { reportWords } from './import-report.ts';

interface ImportFlags extends CommonFlags {
  readonly all: boolean;
  readonly replace: boolean;
  readonly compat?: readonly string[];
}

export function importCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ImportFlags, [string], CliContext>({
    async func(flags, given) {
      const printer = new Printer(this, flags.json);
      const directory = directoryOf(this, flags.directory);
      const site = resolve(this.workingDirectory, given);
      const { replace, compat: compatibility = [], all } = flags;
      const imported = await this.reach.importSite(site, directory, { replace, compatibility, resolver: [] });
      printer.data(imported, () => reportWords(printer, imported, { site, directory, all }));
    },
    parameters: {
      flags: {
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['import.all'] },
        replace: { kind: 'boolean', default: false, withNegated: false, brief: messages['import.replace'] },
        compat: {
          kind: 'parsed',
          parse: String,
          optional: true,
          variadic: ',',
          brief: messages['import.compat'],
          placeholder: 'NAME',
        },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['import.from'], placeholder: 'FROM' }],
      },
    },
    docs: {
      brief: messages['import.brief'],
      fullDescription: helpText(messages, messages['import.more'], [
        'import /etc/mail -d /var/lib/sealpost',
        'import /etc/postfix -d /var/lib/sealpost --all',
      ]),
    },
  });
}
