import { resolve } from 'node:path';
import { type Command, type RouteMap, buildCommand, buildRouteMap, numberParser } from '@stricli/core';
import type { AccessCheck, AccessTest } from '../../admin/access.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { CliError, exits } from '../exit.ts';
import { readGiven } from '../files.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { pairs, safe, table } from '../output.ts';

export function accessCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: { check: checkCommand(messages), test: testCommand(messages) },
    docs: { brief: messages['access.brief'] },
  });
}

function checkCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const check = (await operate(this, flags, 'access.check', {})) as AccessCheck;
      printer.data(check, () => checkWords(printer, check));
      if (check.problems.some(({ severity }) => severity === 'error')) this.process.exitCode = exits.configuration;
    },
    parameters: { flags: commonFlags(messages), aliases: directoryAlias },
    docs: {
      brief: messages['access.check.brief'],
      fullDescription: helpText(messages, messages['access.check.more'], ['access check']),
    },
  });
}

function checkWords(printer: Printer, { file, keys, problems }: AccessCheck): string {
  if (file === null) return `${printer.say('access.none')}\n`;
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const lines = problems.map(({ severity, line, column, text, hint }) => {
    const colour = severity === 'error' ? 'red' : 'yellow';
    return `${file}:${line}:${column}: ${printer.paint(colour, severity)}: ${safe(text)}; ${safe(hint)}`;
  });
  const end =
    problems.length === 0
      ? printer.say('access.ok', { file, keys })
      : printer.say('access.problems', { file, keys, errors, warnings: problems.length - errors });
  return `${[...lines, end].join('\n')}\n`;
}

interface TestFlags extends CommonFlags {
  readonly address?: string;
  readonly name?: string;
  readonly helo?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cert?: string;
  readonly subject?: string;
  readonly issuer?: string;
  readonly role?: 'submission' | 'relay';
  readonly verify?: 'OK' | 'NO' | 'NOT' | 'FAIL';
  readonly bits?: number;
  readonly ptr?: 'ok' | 'forged' | 'none' | 'temporary' | 'unasked';
  readonly auth?: string;
  readonly senderDomain?: 'exists' | 'missing' | 'temporary' | 'unasked';
  readonly mx?: 'yes' | 'no' | 'temporary';
}

function testCommand(messages: Messages): Command<CliContext> {
  const option = (key: MessageKey, placeholder: string) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder }) as const;
  const choice = <T extends string>(key: MessageKey, values: readonly T[]) =>
    ({ kind: 'enum', values, optional: true, brief: messages[key] }) as const;
  return buildCommand<TestFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const { address, name, helo, from, to, cert, subject, issuer, role } = flags;
      const { verify, bits, ptr, auth, senderDomain, mx: served } = flags;
      const more = { verify, bits, ptr, auth, senderDomain, served };
      if (cert !== undefined && (subject !== undefined || issuer !== undefined))
        throw new CliError('usage', printer.say('error.certificateTwice'));
      if ((subject === undefined) !== (issuer === undefined))
        throw new CliError('usage', printer.say('error.certificatePair'));
      const certificate = cert === undefined ? undefined : readGiven(this, resolve(this.workingDirectory, cert));
      const input = { address, name, helo, from, to, certificate, subject, issuer, role, ...more };
      const test = (await operate(this, flags, 'access.test', input)) as AccessTest;
      printer.data(test, () => testWords(printer, test));
      if (!test.accepted) this.process.exitCode = exits.failed;
    },
    parameters: {
      flags: {
        from: option('access.test.from', 'ADDRESS'),
        to: option('access.test.to', 'ADDRESS'),
        cert: option('access.test.cert', 'FILE'),
        subject: option('access.test.subject', 'DN'),
        issuer: option('access.test.issuer', 'DN'),
        address: option('access.test.address', 'IP'),
        name: option('access.test.name', 'HOST'),
        helo: option('access.test.helo', 'HOST'),
        role: choice('access.test.role', ['submission', 'relay'] as const),
        verify: choice('access.test.verify', ['OK', 'NO', 'NOT', 'FAIL'] as const),
        bits: {
          kind: 'parsed',
          parse: numberParser,
          optional: true,
          brief: messages['access.test.bits'],
          placeholder: 'BITS',
        },
        ptr: choice('access.test.ptr', ['ok', 'forged', 'none', 'temporary', 'unasked'] as const),
        auth: option('access.test.auth', 'MECHANISM[:NAME]'),
        senderDomain: choice('access.test.senderDomain', ['exists', 'missing', 'temporary', 'unasked'] as const),
        mx: choice('access.test.mx', ['yes', 'no', 'temporary'] as const),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['access.test.brief'],
      fullDescription: helpText(messages, messages['access.test.more'], [
        'access test --from alice@example.net --to bob@example.com --cert alice.pem',
        'access test --to bob@example.com --subject /C=JP/O=Example/CN=alice --issuer /C=JP/O=Example/CN=CA',
        'access test --to bob@example.com --address 192.0.2.7 --name mail.example.net',
      ]),
    },
  });
}

function testWords(printer: Printer, { principal, stages, verdict, accepted, rule }: AccessTest): string {
  const who = [
    `verify=${principal.verify || '-'}`,
    principal.reason,
    principal.holder === null ? null : printer.say('access.holder', { holder: principal.holder }),
    principal.subject,
  ]
    .filter((part) => part !== null)
    .map(safe)
    .join(', ');
  const heads = (['stage', 'asked', 'answer', 'source'] as const).map((name) => printer.say(`column.${name}`));
  const rows = stages.flatMap(({ stage, trail }) => trailRows(printer, stage, trail));
  return [
    pairs([
      [printer.say('access.verdict'), printer.paint(accepted ? 'green' : 'red', safe(verdict))],
      [printer.say('access.rule'), rule ?? '-'],
      [printer.say('access.principal'), who],
    ]),
    rows.length === 0 ? '' : `\n${printer.say('access.trail')}\n${table(heads, rows)}`,
  ].join('');
}

/** Tests that answered, a row each; look-ups that found nothing in between, together (--json has them all). */
function trailRows(printer: Printer, stage: string, trail: AccessTest['stages'][number]['trail']): string[][] {
  const rows: string[][] = [];
  let missed: string[] = [];
  const tellMissed = (): void => {
    const [first] = missed;
    const asked =
      missed.length < 3
        ? missed.join(', ')
        : printer.say('access.missed', { first: first ?? '', last: missed.at(-1) ?? '', count: missed.length });
    if (first !== undefined) rows.push([stage, safe(asked), '-', '-']);
    missed = [];
  };
  for (const { asked, answer, source } of trail) {
    if (answer === undefined && source === undefined) missed.push(asked);
    else {
      tellMissed();
      rows.push([stage, safe(asked), safe(answer ?? '-'), source ?? '-']);
    }
  }
  tellMissed();
  return rows;
}
