/** The command-line parser's own words, from our catalogue. */
import {
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from '@stricli/core';
import { CliError, asCliError } from './exit.ts';
import { fill } from './messages/choose.ts';
import type { MessageKey, Messages } from './messages/en.ts';

export function parserText(messages: Messages): ApplicationText {
  const say = (key: MessageKey, values: Readonly<Record<string, string | number>>): string =>
    `sealpost: ${fill(messages, key, values)}`;
  const suggested = (corrections: readonly string[]): string =>
    corrections.length === 0
      ? ''
      : `; ${fill(messages, 'parser.didYouMean', { corrections: corrections.map((word) => word.replaceAll('`', '')).join(', ') })}`;
  const unexpected = (thrown: unknown): string => {
    const error = asCliError(thrown);
    if (error instanceof CliError) return `sealpost: ${error.message}`;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return say('error.unexpected', { detail });
  };
  return {
    ...text_en,
    keywords: { default: messages['parser.default'], separator: messages['parser.separator'] },
    headers: {
      usage: messages['parser.usage'],
      aliases: messages['parser.aliases'],
      commands: messages['parser.commands'],
      flags: messages['parser.flags'],
      arguments: messages['parser.arguments'],
    },
    briefs: {
      help: messages['parser.help'],
      helpAll: messages['parser.help'],
      version: messages['parser.version'],
      argumentEscapeSequence: messages['parser.escape'],
    },
    noCommandRegisteredForInput: ({ input, corrections }) =>
      say('parser.noCommand', { input }) + suggested(corrections),
    exceptionWhileParsingArguments: (thrown) => {
      if (!(thrown instanceof ArgumentScannerError)) return unexpected(thrown);
      return formatMessageForArgumentScannerError(thrown, {
        FlagNotFoundError: (error) =>
          say('parser.noFlag', { input: `--${error.input}` }) + suggested(error.corrections),
        AliasNotFoundError: (error) => say('parser.noFlag', { input: `-${error.input}` }),
        ArgumentParseError: (error) =>
          say('parser.badValue', {
            name: error.externalFlagNameOrPlaceholder,
            input: error.input,
            detail: error.exception instanceof Error ? error.exception.message : String(error.exception),
          }),
        EnumValidationError: (error) =>
          say('parser.notOneOf', {
            name: `--${error.externalFlagName}`,
            input: error.input,
            values: error.values.join(', '),
          }),
        UnsatisfiedFlagError: (error) => say('parser.missingFlag', { name: `--${error.externalFlagName}` }),
        UnsatisfiedPositionalError: (error) => say('parser.missingArgument', { name: error.placeholder }),
        UnexpectedPositionalError: (error) => say('parser.tooMany', { input: error.input }),
        UnexpectedFlagError: (error) =>
          say('parser.twice', {
            name: `--${error.externalFlagName}`,
            previous: error.previousInput,
            input: error.input,
          }),
        InvalidNegatedFlagSyntaxError: (error) =>
          say('parser.noFlag', { input: `--${error.externalFlagName}=${error.valueText}` }),
      });
    },
    exceptionWhileLoadingCommandFunction: unexpected,
    exceptionWhileLoadingCommandContext: unexpected,
    exceptionWhileRunningCommand: unexpected,
    commandErrorResult: unexpected,
  };
}
