import { resolve } from 'node:path';
import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { TrustView } from '../../admin/trust.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { exits } from '../exit.ts';
import { readGiven } from '../files.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { safe } from '../output.ts';
import { trustListWords, trustWords } from './trust-words.ts';

export function trustCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: {
      add: addCommand(messages),
      list: listCommand(messages),
      show: viewCommand(messages, 'show'),
      fetch: viewCommand(messages, 'fetch'),
      remove: removeCommand(messages),
    },
    docs: { brief: messages['trust.brief'] },
  });
}

interface AddFlags extends CommonFlags {
  readonly name?: string;
  readonly crl?: string;
  readonly crlExpired?: 'refuse' | 'accept';
  readonly relay?: readonly string[];
}

function addCommand(messages: Messages): Command<CliContext> {
  const option = (key: MessageKey, placeholder: string) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder }) as const;
  return buildCommand<AddFlags, [string], CliContext>({
    async func(flags, file) {
      const printer = new Printer(this, flags.json);
      const at = (path: string): string => resolve(this.workingDirectory, path);
      const { name, crl, crlExpired, relay } = flags;
      const isUrl = crl !== undefined && /^https?:\/\//i.test(crl);
      const input = {
        file: readGiven(this, at(file)),
        name,
        crl: crl === undefined || isUrl ? undefined : readGiven(this, at(crl)),
        crlUrl: isUrl ? crl : undefined,
        crlExpired,
        relay,
      };
      const view = (await operate(this, flags, 'trust.add', input)) as TrustView;
      const subject = safe(view.cas[0]?.subject ?? '');
      const done = (): string => printer.paint('green', printer.say('trust.done', { name: view.name, subject }));
      printer.data(view, () => `${done()}\n${trustWords(printer, view)}`);
    },
    parameters: {
      flags: {
        name: option('trust.add.name', 'NAME'),
        crl: option('trust.add.crl', 'FILE|URL'),
        crlExpired: {
          kind: 'enum',
          values: ['refuse', 'accept'],
          optional: true,
          brief: messages['trust.add.expired'],
        },
        relay: {
          kind: 'parsed',
          parse: String,
          optional: true,
          variadic: true,
          brief: messages['trust.add.relay'],
          placeholder: 'RULE',
        },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['trust.add.file'], placeholder: 'FILE' }],
      },
    },
    docs: {
      brief: messages['trust.add.brief'],
      fullDescription: helpText(messages, messages['trust.add.more'], [
        "trust add partner-ca.pem --name partner --relay 'email:*@partner.example' --crl http://crl.partner.example/ca.crl",
        "trust add spire.pem --name spire --relay 'spiffe://example.org/ns/mail/*'",
        'trust add old-ca.pem --name old --crl old-ca.crl --crl-expired accept --relay access',
      ]),
    },
  });
}

function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const list = (await operate(this, flags, 'trust.list', {})) as TrustView[];
      printer.data(list, () => trustListWords(printer, list));
    },
    parameters: { flags: commonFlags(messages), aliases: directoryAlias },
    docs: {
      brief: messages['trust.list.brief'],
      fullDescription: helpText(messages, undefined, ['trust list', 'trust list --json']),
    },
  });
}

function viewCommand(messages: Messages, verb: 'show' | 'fetch'): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const view = (await operate(this, flags, `trust.${verb}`, { name })) as TrustView;
      printer.data(view, () => trustWords(printer, view));
      if (view.faults.length > 0) this.process.exitCode = exits.configuration;
    },
    parameters: named(messages),
    docs: {
      brief: messages[`trust.${verb}.brief`],
      fullDescription: helpText(messages, undefined, [`trust ${verb} partner`]),
    },
  });
}

function removeCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, name) {
      const printer = new Printer(this, flags.json);
      const removed = await operate(this, flags, 'trust.remove', { name });
      printer.data(removed, () => `${printer.say('trust.removed', { name: safe(name) })}\n`);
    },
    parameters: named(messages),
    docs: {
      brief: messages['trust.remove.brief'],
      fullDescription: helpText(messages, undefined, ['trust remove partner']),
    },
  });
}

function named(messages: Messages) {
  return {
    flags: commonFlags(messages),
    aliases: directoryAlias,
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: messages['trust.name'], placeholder: 'NAME' }],
    },
  } as const;
}
