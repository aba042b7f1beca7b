import { join, resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import { type CliContext, type CreateChoices, type CreatedDirectory, Printer, directoryOf } from '../context.ts';
import { CliError } from '../exit.ts';
import { readSecretLine } from '../files.ts';
import {
  type CommonFlags,
  type DirectoryFlags,
  commonFlags,
  descriptorFlag,
  directoryAlias,
  directoryFlags,
  helpText,
} from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { pairs } from '../output.ts';

interface InitFlags extends CommonFlags {
  readonly hostname?: string;
  readonly mailDomain?: readonly string[];
  readonly key?: KeyKind;
}

type KeyKind = NonNullable<CreateChoices['key']>;
const keyKinds: readonly KeyKind[] = ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096', 'ml-dsa-65'];

export function initCommand(messages: Messages): Command<CliContext> {
  return buildCommand<InitFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const created = await this.reach.create(directoryOf(this, flags.directory), flags.hostname, {
        mailDomains: flags.mailDomain,
        key: flags.key,
      });
      printer.data(created, () => createdWords(printer, created, flags.directory));
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
        mailDomain: {
          kind: 'parsed',
          parse: String,
          optional: true,
          variadic: ',',
          brief: messages['init.mailDomain'],
          placeholder: 'DOMAIN',
        },
        key: { kind: 'enum', values: keyKinds, optional: true, brief: messages['init.key'] },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['init.brief'],
      fullDescription: helpText(messages, messages['init.more'], [
        'init',
        'init --hostname relay.example.net -d /var/lib/sealpost',
        'init --hostname relay.example.net --mail-domain example.net --mail-domain example.com',
      ]),
    },
  });
}

/** What was created, and what comes next. */
export function createdWords(printer: Printer, created: CreatedDirectory, given: string | undefined): string {
  const option = given === undefined ? '' : ` -d ${given}`;
  return [
    `${printer.paint('green', printer.say('init.done', { directory: created.directory }))}\n`,
    pairs([
      [printer.say('init.hostname.is'), created.hostname],
      [printer.say('init.config'), created.config],
      [printer.say('init.authority'), created.rootCertificate],
    ]),
    `${printer.say('init.next')}\n  sealpost add alice@example.net${option}\n  sealpost start${option}\n`,
    `${printer.paint('dim', printer.say('init.hint'))}\n`,
  ].join('');
}

interface StartFlags extends DirectoryFlags {
  readonly create: boolean;
  readonly caPassphraseFd?: number;
  readonly sendmail?: string;
  readonly resolver?: readonly string[];
  readonly compat?: readonly string[];
}

/** Where the data of a relay lies that takes Sendmail's place, unless -d says otherwise. */
const SITE_DATA = 'sealpost';

/** `127.0.0.1:127.0.0.1:53` is 127.0.0.1:53: scripts put an address before what is address and port already. */
function nameServer(given: string): string {
  return given.replace(/^([0-9.]+):(?=\1:\d+$)/, '');
}

export function startCommand(messages: Messages): Command<CliContext> {
  return buildCommand<StartFlags, [], CliContext>({
    async func(flags) {
      const passphrase = flags.caPassphraseFd === undefined ? undefined : readSecretLine(this, flags.caPassphraseFd);
      const { sendmail: site, resolver = [], compat: compatibility = [] } = flags;
      if (site === undefined) {
        if (resolver.length + compatibility.length > 0)
          throw new CliError('usage', this.messages['start.onlySendmail']);
        await this.reach.serve(directoryOf(this, flags.directory), { create: flags.create, passphrase });
        return;
      }
      const sendmail = { site: resolve(this.workingDirectory, site), resolver, compatibility };
      const directory = directoryOf(this, flags.directory ?? this.directory ?? join(sendmail.site, SITE_DATA));
      await this.reach.serve(directory, { create: false, passphrase, sendmail });
    },
    parameters: {
      flags: {
        create: { kind: 'boolean', default: false, withNegated: false, brief: messages['start.create'] },
        caPassphraseFd: descriptorFlag(messages, 'start.caPassphraseFd'),
        sendmail: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['start.sendmail'],
          placeholder: 'DIR',
        },
        resolver: {
          kind: 'parsed',
          parse: nameServer,
          optional: true,
          variadic: ',',
          brief: messages['start.resolver'],
          placeholder: 'ADDRESS',
        },
        compat: {
          kind: 'parsed',
          parse: String,
          optional: true,
          variadic: ',',
          brief: messages['start.compat'],
          placeholder: 'NAME',
        },
        ...directoryFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['start.brief'],
      fullDescription: helpText(messages, messages['start.more'], [
        'start',
        'start --create -d /var/lib/sealpost',
        'start --sendmail /etc/mail',
      ]),
    },
  });
}
