/** Passwords of holders, for programs that cannot show a certificate: make one, list them, take one back, say what is needed. */
import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { NewPassword, PasswordView, Requirement } from '../../admin/password.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { CliError } from '../exit.ts';
import { readPassphrase } from '../files.ts';
import { type CommonFlags, commonFlags, descriptorFlag, directoryAlias, helpText, timeSpan } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { askNewSecret } from '../prompt.ts';
import { clientFacts } from './hand-over.ts';
import { addedWords, listWords, type ServerFacts } from './password-words.ts';

export function passwordCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: {
      add: addCommand(messages),
      list: listCommand(messages),
      remove: removeCommand(messages),
      require: requireCommand(messages),
    },
    docs: { brief: messages['password.brief'] },
  });
}

interface AddFlags extends CommonFlags {
  readonly label?: string;
  readonly expires?: number;
  readonly choose: boolean;
  readonly passwordFd?: number;
  readonly plainOnly: boolean;
  readonly allowWeak: boolean;
}

function addCommand(messages: Messages): Command<CliContext> {
  const flag = (key: 'password.add.choose' | 'password.add.plainOnly' | 'password.add.allowWeak') =>
    ({ kind: 'boolean', default: false, withNegated: false, brief: messages[key] }) as const;
  return buildCommand<AddFlags, [string], CliContext>({
    async func(flags, holder) {
      const printer = new Printer(this, flags.json);
      const { label, expires: life, plainOnly, allowWeak: weak } = flags;
      const password = await chosen(this, flags);
      const input = { holder, label, life, password, plainOnly, weak };
      const made = (await operate(this, flags, 'password.add', input)) as NewPassword;
      const server = await serverFacts(this, flags);
      printer.data({ ...made, server }, () => addedWords(printer, made, server));
    },
    parameters: {
      flags: {
        label: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['password.add.label'],
          placeholder: 'TEXT',
        },
        expires: {
          kind: 'parsed',
          parse: timeSpan(messages),
          optional: true,
          brief: messages['password.add.expires'],
          placeholder: 'TIME',
        },
        choose: flag('password.add.choose'),
        passwordFd: descriptorFlag(messages, 'password.add.fd'),
        plainOnly: flag('password.add.plainOnly'),
        allowWeak: flag('password.add.allowWeak'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['password.holder'], placeholder: 'HOLDER' }],
      },
    },
    docs: {
      brief: messages['password.add.brief'],
      fullDescription: helpText(messages, messages['password.add.more'], [
        'password add alice@example.net --label Outlook',
        'password add scanner-3 --label "2nd floor" --expires 90d',
        'password add bob@example.net --choose',
        'password add bob@example.net --password-fd 3 3< password',
      ]),
    },
  });
}

/** Null for a relay without a CA of its own, whose clients have been told before where it is. */
async function serverFacts(context: CliContext, flags: CommonFlags): Promise<ServerFacts | null> {
  try {
    const { hostname, submission } = await clientFacts(context, flags);
    return { hostname, submission };
  } catch {
    return null; // the password is made all the same, and must be shown
  }
}

/** Never from the command line, which other users can see. */
async function chosen(context: CliContext, flags: AddFlags): Promise<string | undefined> {
  const { messages } = context;
  if (flags.passwordFd !== undefined) {
    if (flags.choose) throw new CliError('usage', messages['error.twoPasswords']);
    return readPassphrase(context, flags.passwordFd);
  }
  if (!flags.choose) return undefined;
  return await askNewSecret(context, messages['password.ask'], messages['password.ask.again']);
}

interface ListFlags extends CommonFlags {
  readonly all: boolean;
}

function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [string?], CliContext>({
    async func(flags, holder) {
      const printer = new Printer(this, flags.json);
      const list = (await operate(this, flags, 'password.list', { holder, all: flags.all })) as PasswordView[];
      printer.data(list, () => listWords(printer, list));
    },
    parameters: {
      flags: {
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['password.all'] },
        ...commonFlags(messages),
      },
      aliases: { ...directoryAlias, a: 'all' },
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, optional: true, brief: messages['password.holder'], placeholder: 'HOLDER' }],
      },
    },
    docs: {
      brief: messages['password.list.brief'],
      fullDescription: helpText(messages, undefined, ['password list', 'password list alice@example.net --all --json']),
    },
  });
}

interface RemoveFlags extends CommonFlags {
  readonly label?: string;
  readonly all: boolean;
}

function removeCommand(messages: Messages): Command<CliContext> {
  return buildCommand<RemoveFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const input = { name, label: flags.label, all: flags.all };
      const removed = (await operate(this, flags, 'password.remove', input)) as PasswordView[];
      printer.data(
        removed,
        () => `${printer.say('password.removed', { count: removed.length })}\n${listWords(printer, removed)}`,
      );
    },
    parameters: {
      flags: {
        label: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['password.remove.label'],
          placeholder: 'TEXT',
        },
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['password.remove.all'] },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['password.name'], placeholder: 'ID|HOLDER' }],
      },
    },
    docs: {
      brief: messages['password.remove.brief'],
      fullDescription: helpText(messages, messages['password.remove.more'], [
        'password remove 4a1f09c2',
        'password remove alice@example.net --label Outlook',
        'password remove alice@example.net --all',
      ]),
    },
  });
}

const NEEDS = ['any', 'certificate', 'password', 'both'] as const;

function requireCommand(messages: Messages): Command<CliContext> {
  const need = (text: string): (typeof NEEDS)[number] => {
    const known = NEEDS.find((one) => one === text);
    if (known !== undefined) return known;
    throw new CliError('usage', NEEDS.join(', '));
  };
  return buildCommand<CommonFlags, [string, (typeof NEEDS)[number]], CliContext>({
    async func(flags, holder, what) {
      const printer = new Printer(this, flags.json);
      const set = (await operate(this, flags, 'password.require', { holder, need: what })) as Requirement;
      printer.data(set, () => `${printer.say(`password.need.${set.need}`, { holder: set.holder })}\n`);
    },
    parameters: {
      flags: commonFlags(messages),
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [
          { parse: String, brief: messages['password.holder'], placeholder: 'HOLDER' },
          { parse: need, brief: messages['password.need'], placeholder: NEEDS.join('|') },
        ],
      },
    },
    docs: {
      brief: messages['password.require.brief'],
      fullDescription: helpText(messages, messages['password.require.more'], [
        'password require alice@example.net both',
        'password require server-1.example.net certificate',
      ]),
    },
  });
}
