import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { Problem } from '../../config/load.ts';
import { type CliContext, Printer, directoryOf } from '../context.ts';
import { CliError } from '../exit.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import { fill } from '../messages/choose.ts';
import type { Messages } from '../messages/en.ts';
import { table } from '../output.ts';

/** Its file in the data directory; config/schema.ts has it too, but brings zod with it. */
const CONFIG_FILE = 'sealpost.yaml';

export function configCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: { check: checkCommand(messages), show: showCommand(messages), schema: schemaCommand(messages) },
    docs: { brief: messages['config.brief'] },
  });
}

function checkCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const directory = directoryOf(this, flags.directory);
      const { file, text } = configText(this, directory);
      const [{ checkConfig }, { formatProblem }] = await Promise.all([
        import('../../admin/config.ts'),
        import('../../config/load.ts'),
      ]);
      const check = checkConfig(text, file, directory, existsSync);
      const lines = [
        ...check.problems.map(formatProblem),
        ...check.missing.map(({ key, path }) => printer.say('config.missing', { file, key, path })),
      ];
      const warnings = check.warnings.map(({ kind, url, address }) =>
        printer.paint('yellow', printer.say(`config.warn.${kind}`, { file, url, address })),
      );
      const said = lines.length === 0 ? [printer.paint('green', printer.say('config.ok', { file }))] : lines;
      printer.data(check, () => `${[...said, ...warnings].join('\n')}\n`);
      if (lines.length > 0) this.process.exitCode = 78;
    },
    parameters: { flags: commonFlags(messages), aliases: directoryAlias },
    docs: {
      brief: messages['config.check.brief'],
      fullDescription: helpText(messages, undefined, ['config check', 'config check -d /var/lib/sealpost']),
    },
  });
}

interface ShowFlags extends CommonFlags {
  readonly changed: boolean;
}

function showCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ShowFlags, [string?], CliContext>({
    async func(flags, prefix) {
      const printer = new Printer(this, flags.json);
      const { file, text } = configText(this, directoryOf(this, flags.directory));
      const [{ showConfig }, { formatValue }] = await Promise.all([
        import('../../admin/config.ts'),
        import('../../config/effective.ts'),
      ]);
      const { keys, problems } = showConfig(text, file);
      if (problems.length > 0) throw await badConfig(this.messages, problems);
      const chosen = keys.filter(
        ({ key, source }) =>
          (prefix === undefined || key === prefix || key.startsWith(`${prefix}.`)) &&
          !(flags.changed && source === 'default'),
      );
      if (chosen.length === 0 && prefix !== undefined && !flags.changed)
        throw new CliError('notFound', fill(this.messages, 'error.noKey', { key: prefix }));
      const heads = (['key', 'value', 'source'] as const).map((name) => printer.say(`column.${name}`));
      printer.data(chosen, () =>
        table(
          heads,
          chosen.map(({ key, value, source }) => [key, formatValue(value), source]),
        ),
      );
    },
    parameters: {
      flags: {
        changed: { kind: 'boolean', default: false, withNegated: false, brief: messages['config.show.changed'] },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, optional: true, brief: messages['config.show.key'], placeholder: 'KEY' }],
      },
    },
    docs: {
      brief: messages['config.show.brief'],
      fullDescription: helpText(messages, undefined, ['config show', 'config show limits', 'config show --changed']),
    },
  });
}

function schemaCommand(messages: Messages): Command<CliContext> {
  return buildCommand<object, [], CliContext>({
    async func() {
      const { configSchemaDocument } = await import('../../admin/config.ts');
      this.process.stdout.write(`${JSON.stringify(configSchemaDocument(), undefined, 2)}\n`);
    },
    parameters: {},
    docs: {
      brief: messages['config.schema.brief'],
      fullDescription: helpText(messages, undefined, ['config schema > sealpost.schema.json']),
    },
  });
}

function configText(context: CliContext, directory: string): { readonly file: string; readonly text: string } {
  const file = join(directory, CONFIG_FILE);
  if (!existsSync(file))
    throw new CliError('configuration', fill(context.messages, 'error.noDirectory', { directory }));
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new CliError(
      'configuration',
      fill(context.messages, 'error.readFile', {
        path: file,
        detail: error instanceof Error ? error.message : String(error),
      }),
      error,
    );
  }
}

/** All problems of a configuration as one error. */
export async function badConfig(messages: Messages, problems: readonly Problem[]): Promise<CliError> {
  const { formatProblem } = await import('../../config/load.ts');
  return new CliError('configuration', [messages['error.config'], ...problems.map(formatProblem)].join('\n'));
}
