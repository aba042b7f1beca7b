import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { AuditListing, AuditVerification } from '../../admin/audit.ts';
import { parseDuration } from '../../config/units.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { CliError, exits } from '../exit.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText, wholeNumber } from '../flags.ts';
import { fill } from '../messages/choose.ts';
import type { Messages } from '../messages/en.ts';
import { safe, table, time } from '../output.ts';

export function auditCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: { list: listCommand(messages), verify: verifyCommand(messages) },
    docs: { brief: messages['audit.brief'] },
  });
}

interface ListFlags extends CommonFlags {
  readonly holder?: string;
  readonly since?: number;
  readonly limit?: number;
}

function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [], CliContext>({
    async func({ holder, since, limit, ...flags }) {
      const printer = new Printer(this, flags.json);
      const input = { holder, since, limit };
      const listing = (await operate(this, flags, 'audit.list', input)) as AuditListing;
      printer.data(listing, () => listWords(printer, listing));
    },
    parameters: {
      flags: {
        holder: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['audit.list.holder'],
          placeholder: 'NAME',
        },
        since: {
          kind: 'parsed',
          parse: timeSince(messages),
          optional: true,
          brief: messages['audit.list.since'],
          placeholder: 'WHEN',
        },
        limit: {
          kind: 'parsed',
          parse: wholeNumber(messages, 1, 10_000),
          optional: true,
          brief: messages['audit.list.limit'],
          placeholder: 'N',
        },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['audit.list.brief'],
      fullDescription: helpText(messages, messages['audit.list.more'], [
        'audit list',
        'audit list --holder alice@example.net',
        'audit list --since 7d --json',
      ]),
    },
  });
}

function listWords(printer: Printer, { entries, more }: AuditListing): string {
  if (entries.length === 0) return `${printer.say('audit.list.empty')}\n`;
  const heads = (['number', 'at', 'what', 'by', 'holder', 'serial', 'detail'] as const).map((name) =>
    printer.say(`column.${name}`),
  );
  const rows = entries.map(({ number, at, action, by, holder, serial, detail }) => [
    String(number),
    time(at),
    action,
    safe(by),
    safe(holder ?? '-'),
    serial ?? '-',
    safe(detail),
  ]);
  return `${table(heads, rows, ['right'])}${more ? `${printer.say('audit.list.earlier')}\n` : ''}`;
}

interface VerifyFlags extends CommonFlags {
  readonly head?: string;
}

function verifyCommand(messages: Messages): Command<CliContext> {
  return buildCommand<VerifyFlags, [], CliContext>({
    async func({ head, ...flags }) {
      const printer = new Printer(this, flags.json);
      const input = head === undefined ? {} : { head };
      const found = (await operate(this, flags, 'audit.verify', input)) as AuditVerification;
      printer.data(found, () => verifyWords(printer, found));
      if (!found.whole) this.process.exitCode = exits.failed;
    },
    parameters: {
      flags: {
        head: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['audit.verify.head'],
          placeholder: 'NUMBER:HASH',
        },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['audit.verify.brief'],
      fullDescription: helpText(messages, messages['audit.verify.more'], [
        'audit verify',
        `audit verify --head 1042:${'ab'.repeat(32)}`,
      ]),
    },
  });
}

function verifyWords(printer: Printer, { whole, entries, certificates, head, faults }: AuditVerification): string {
  if (whole)
    return `${printer.paint('green', printer.say('audit.verify.whole', { entries, certificates }))}\n${head === null ? '' : `${printer.say('audit.verify.headIs', { head })}\n`}`;
  const lines = faults.map(({ what }) => `${printer.paint('red', safe(what))}\n`).join('');
  return `${lines}${printer.say('audit.verify.broken', { entries, certificates })}\n`;
}

/** A day (`2026-11-24`), a time (`2026-11-24T10:30Z`), or how long ago (`7d`), as ms since 1970. */
function timeSince(messages: Messages): (input: string) => number {
  return (input) => {
    const ago = parseDuration(input);
    const at = typeof ago === 'number' ? Date.now() - ago : /^\d{4}-\d{2}-\d{2}/.test(input) ? Date.parse(input) : NaN;
    if (Number.isNaN(at) || at < 0) throw new CliError('usage', fill(messages, 'error.when', { given: input }));
    return at;
  };
}
