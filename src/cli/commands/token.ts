/** One-time tokens that `add` made: which are open, and taking one back. */
import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { EnrolmentView } from '../../admin/enrolment.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { safe, table, time } from '../output.ts';

export function tokenCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: { list: listCommand(messages), withdraw: withdrawCommand(messages) },
    docs: { brief: messages['token.brief'] },
  });
}

interface ListFlags extends CommonFlags {
  readonly all: boolean;
}

function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const list = (await operate(this, flags, 'enrolment.list', {
        all: flags.all,
      })) as EnrolmentView[];
      printer.data(list, () => listWords(printer, list));
    },
    parameters: {
      flags: {
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['token.all'] },
        ...commonFlags(messages),
      },
      aliases: { ...directoryAlias, a: 'all' },
    },
    docs: {
      brief: messages['token.list.brief'],
      fullDescription: helpText(messages, undefined, ['token list', 'token list --all --json']),
    },
  });
}

function listWords(printer: Printer, list: readonly EnrolmentView[]): string {
  if (list.length === 0) return `${printer.say('token.empty')}\n`;
  const heads = (['token', 'holder', 'profile', 'state', 'until', 'serial'] as const).map((name) =>
    printer.say(`column.${name}`),
  );
  return table(
    heads,
    list.map(({ id, holder, profile, state, expires, serial }) => [
      id,
      safe(holder),
      profile,
      printer.say(`token.state.${state}`),
      time(expires),
      serial ?? '-',
    ]),
  );
}

function withdrawCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, id) {
      const printer = new Printer(this, flags.json);
      const result = await operate(this, flags, 'enrolment.withdraw', { id });
      printer.data(result, () => `${printer.say('token.withdrawn', { id: safe(id) })}\n`);
    },
    parameters: {
      flags: commonFlags(messages),
      aliases: directoryAlias,
      positional: { kind: 'tuple', parameters: [{ parse: String, brief: messages['token.id'], placeholder: 'TOKEN' }] },
    },
    docs: {
      brief: messages['token.withdraw.brief'],
      fullDescription: helpText(messages, undefined, ['token withdraw 4a1f09c2']),
    },
  });
}
