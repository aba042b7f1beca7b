/** The command line as a whole: all commands, in one language. Light, so that `--help` is quick. */
import { type Application, buildApplication, buildRouteMap, help, version } from '@stricli/core';
import { version as programVersion } from '../app/version.ts';
import { accessCommands } from './commands/access.ts';
import { acmeCommands } from './commands/acme.ts';
import { addCommand } from './commands/add.ts';
import { caCommands } from './commands/ca.ts';
import { listCommand, revokeCommand, showCommand } from './commands/certificates.ts';
import { auditCommands } from './commands/audit.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommands } from './commands/config.ts';
import { importCommand } from './commands/import.ts';
import { initCommand, startCommand } from './commands/init.ts';
import { passwordCommands } from './commands/password.ts';
import { lintCommand } from './commands/lint.ts';
import { makemapCommand } from './commands/makemap.ts';
import { queueCommands } from './commands/queue.ts';
import { renewCommand } from './commands/renew.ts';
import { statusCommand } from './commands/status.ts';
import { tokenCommands } from './commands/token.ts';
import { trustCommands } from './commands/trust.ts';
import { type CliContext, usualDirectory } from './context.ts';
import { asCliError, exitCodeOf } from './exit.ts';
import { fill } from './messages/choose.ts';
import type { Messages } from './messages/en.ts';
import { parserText } from './text.ts';

export function sealpost(
  messages: Messages,
  options: { readonly root: boolean; readonly colour: boolean },
): Application<CliContext> {
  const root = buildRouteMap<string, CliContext>({
    routes: {
      init: initCommand(messages),
      start: startCommand(messages),
      import: importCommand(messages),
      add: addCommand(messages),
      list: listCommand(messages),
      show: showCommand(messages),
      renew: renewCommand(messages),
      revoke: revokeCommand(messages),
      token: tokenCommands(messages),
      password: passwordCommands(messages),
      acme: acmeCommands(messages),
      queue: queueCommands(messages),
      access: accessCommands(messages),
      makemap: makemapCommand(messages),
      lint: lintCommand(messages),
      trust: trustCommands(messages),
      audit: auditCommands(messages),
      ca: caCommands(messages),
      config: configCommands(messages),
      status: statusCommand(messages),
      completion: completionCommand(messages),
    },
    docs: {
      brief: messages['app.brief'],
      fullDescription: `${messages['app.brief']}\n\n${fill(messages, 'app.more', { directory: usualDirectory(options.root) })}`,
    },
  });
  const formatting = {
    useAliasInUsageLine: false,
    onlyRequiredInUsageLine: false,
    caseStyle: 'convert-camel-to-kebab',
  } as const;
  return buildApplication<CliContext>(
    root,
    {
      name: 'sealpost',
      scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
      documentation: { disableAnsiColor: !options.colour },
      localization: { text: parserText(messages) },
      determineExitCode: (thrown) => exitCodeOf(asCliError(thrown)),
    },
    {
      help: help({ formatting, brief: messages['parser.help'], defaultForRouteMap: true }),
      version: version({ info: { currentVersion: programVersion }, brief: messages['parser.version'], alias: 'V' }),
    },
  );
}
