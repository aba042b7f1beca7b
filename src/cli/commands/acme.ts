/** Keys for ACME: making one, which there are, withdrawing one. */
import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { AcmeKeyView, NewAcmeKey } from '../../admin/acme.ts';
import type { ClientFacts } from '../../admin/client-facts.ts';
import { acmeClientSettings, certbotCommands, colons } from '../../admin/client-settings.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText, wholeNumber } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { pairs, safe, table, time } from '../output.ts';
import { clientFacts } from './hand-over.ts';

const PROFILES = ['device', 'service', 'server'] as const;

export function acmeCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: { key: keyCommand(messages), list: listCommand(messages), withdraw: withdrawCommand(messages) },
    docs: { brief: messages['acme.brief'] },
  });
}

interface KeyFlags extends CommonFlags {
  readonly profile?: (typeof PROFILES)[number];
  readonly dns?: readonly string[];
  readonly days?: number;
  readonly hours?: number;
}

function keyCommand(messages: Messages): Command<CliContext> {
  const number = (key: 'acme.key.days' | 'acme.key.hours', most: number) =>
    ({
      kind: 'parsed',
      parse: wholeNumber(messages, 1, most),
      optional: true,
      brief: messages[key],
      placeholder: 'N',
    }) as const;
  return buildCommand<KeyFlags, [string], CliContext>({
    async func(flags, holder) {
      const printer = new Printer(this, flags.json);
      const { profile, dns: dnsNames, days, hours } = flags;
      const wish = { holder, profile, dnsNames, days, hours };
      const made = (await operate(this, flags, 'acme.key', wish)) as NewAcmeKey;
      const facts = await clientFacts(this, flags);
      const { directory } = made;
      const certbot = directory === null ? [] : certbotCommands(facts, { ...made, directory });
      const acmeClient = directory === null ? null : acmeClientSettings({ ...made, directory });
      printer.data({ ...made, certbot, acmeClient, root: facts.root }, () =>
        keyWords(printer, made, facts, certbot, acmeClient),
      );
    },
    parameters: {
      flags: {
        profile: { kind: 'enum', values: PROFILES, optional: true, brief: messages['acme.key.profile'] },
        dns: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['acme.key.dns'],
          placeholder: 'NAME',
          variadic: ',',
        },
        days: number('acme.key.days', 36_500),
        hours: number('acme.key.hours', 8_760),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['acme.key.holder'], placeholder: 'HOLDER' }],
      },
    },
    docs: {
      brief: messages['acme.key.brief'],
      fullDescription: helpText(messages, messages['acme.key.more'], [
        'acme key mx.example.net',
        'acme key shop --dns shop.example.net,www.shop.example.net --days 90',
        'acme key mail.example.net --profile server --dns mail.example.net,*.mail.example.net',
      ]),
    },
  });
}

function keyWords(
  printer: Printer,
  { id, hmacKey, holder, names, expires, directory }: NewAcmeKey,
  { root, web }: ClientFacts,
  [fetchRoot = '', checkRoot = '', certbot = '']: readonly string[],
  acmeClient: string | null,
): string {
  const lines = [
    printer.paint('green', printer.say('acme.key.done', { holder: safe(holder), names: names.map(safe).join(', ') })),
    pairs([
      [printer.say('acme.key.id'), id],
      [printer.say('acme.key.hmac'), printer.paint('bold', hmacKey)],
      [printer.say('token.until'), time(expires)],
      [printer.say('acme.key.directory'), directory ?? '-'],
    ]).trimEnd(),
    printer.say('acme.key.once'),
  ];
  if (directory === null || acmeClient === null) lines.push('', printer.paint('yellow', printer.say('acme.off')));
  else {
    lines.push('', printer.say('token.root'), `  ${fetchRoot}`, `  ${checkRoot}`, `  ${colons(root.fingerprint)}`);
    lines.push(printer.say('acme.key.certbot'), `  ${certbot}`, printer.say('acme.key.client'), `  ${acmeClient}`);
    if (web?.local === true) lines.push('', printer.paint('yellow', printer.say('token.local')));
  }
  return `${lines.join('\n')}\n`;
}

interface ListFlags extends CommonFlags {
  readonly all: boolean;
}

function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const list = (await operate(this, flags, 'acme.list', { all: flags.all })) as AcmeKeyView[];
      printer.data(list, () => listWords(printer, list));
    },
    parameters: {
      flags: {
        all: { kind: 'boolean', default: false, withNegated: false, brief: messages['acme.list.all'] },
        ...commonFlags(messages),
      },
      aliases: { ...directoryAlias, a: 'all' },
    },
    docs: {
      brief: messages['acme.list.brief'],
      fullDescription: helpText(messages, undefined, ['acme list', 'acme list --all --json']),
    },
  });
}

function listWords(printer: Printer, list: readonly AcmeKeyView[]): string {
  if (list.length === 0) return `${printer.say('acme.empty')}\n`;
  const heads = (['acmeKey', 'holder', 'profile', 'state', 'until', 'serial', 'names'] as const).map((name) =>
    printer.say(`column.${name}`),
  );
  return table(
    heads,
    list.map(({ id, holder, profile, state, expires, serial, names }) => [
      id,
      safe(holder),
      profile,
      printer.say(`acme.state.${state}`),
      state === 'open' || state === 'expired' ? time(expires) : '-',
      serial ?? '-',
      names.map(safe).join(', '),
    ]),
  );
}

function withdrawCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, id) {
      const printer = new Printer(this, flags.json);
      const result = (await operate(this, flags, 'acme.withdraw', { id })) as { readonly holder: string };
      printer.data(result, () => `${printer.say('acme.withdrawn', { id: safe(id), holder: safe(result.holder) })}\n`);
    },
    parameters: {
      flags: commonFlags(messages),
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['acme.withdraw.id'], placeholder: 'KEY' }],
      },
    },
    docs: {
      brief: messages['acme.withdraw.brief'],
      fullDescription: helpText(messages, undefined, ['acme withdraw 3c29d5e1a0474b16']),
    },
  });
}
