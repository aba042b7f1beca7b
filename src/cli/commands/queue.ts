import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { QueueChanged, QueueDetails, QueueListing, QueuedEntry } from '../../admin/queue.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import {
  type CommonFlags,
  type SelectionFlags,
  commonFlags,
  directoryAlias,
  helpText,
  selectionFlags,
  wholeNumber,
} from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { pairs, safe, size, span, table, time } from '../output.ts';

export function queueCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: {
      list: listCommand(messages),
      show: showCommand(messages),
      hold: changeCommand(messages, 'hold', [
        'queue hold 0012ABCDEFG --reason "asked by abuse desk"',
        'queue hold --holder alice@example.net',
      ]),
      release: changeCommand(messages, 'release', ['queue release 0012ABCDEFG', 'queue release --all']),
      retry: changeCommand(messages, 'retry', ['queue retry 0012ABCDEFG', 'queue retry --dest example.com']),
      remove: changeCommand(messages, 'remove', ['queue remove 0012ABCDEFG', 'queue remove --serial 4a1f']),
    },
    docs: { brief: messages['queue.brief'] },
  });
}

interface ListFlags extends CommonFlags, SelectionFlags {
  readonly held: boolean;
  readonly limit: number;
}

function listCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ListFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const selection = { ...selectionOf(flags), ...(flags.held ? { held: true } : {}) };
      const listing = (await operate(this, flags, 'queue.list', {
        ...selection,
        limit: flags.limit,
      })) as QueueListing;
      printer.data(listing, () => listingWords(printer, listing));
    },
    parameters: {
      flags: {
        ...selectionFlags(messages),
        held: { kind: 'boolean', default: false, withNegated: false, brief: messages['queue.held'] },
        limit: {
          kind: 'parsed',
          parse: wholeNumber(messages, 1, 10_000),
          default: '100',
          brief: messages['queue.limit'],
          placeholder: 'N',
        },
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['queue.list.brief'],
      fullDescription: helpText(messages, undefined, ['queue list', 'queue list --holder alice@example.net --json']),
    },
  });
}

function showCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [string], CliContext>({
    async func(flags, id) {
      const printer = new Printer(this, flags.json);
      const details = (await operate(this, flags, 'queue.show', {
        id,
      })) as QueueDetails;
      printer.data(details, () => detailsWords(printer, details));
    },
    parameters: {
      flags: commonFlags(messages),
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['queue.show.id'], placeholder: 'ID' }],
      },
    },
    docs: {
      brief: messages['queue.show.brief'],
      fullDescription: helpText(messages, undefined, ['queue show 0012ABCDEFG']),
    },
  });
}

interface ChangeFlags extends CommonFlags, SelectionFlags {
  readonly all: boolean;
}

interface HoldFlags extends ChangeFlags {
  readonly reason?: string;
}

function changeCommand(
  messages: Messages,
  verb: 'hold' | 'release' | 'retry' | 'remove',
  examples: readonly string[],
): Command<CliContext> {
  async function func(this: CliContext, flags: HoldFlags, ...ids: string[]): Promise<void> {
    const printer = new Printer(this, flags.json);
    const reason = flags.reason === undefined ? {} : { reason: flags.reason };
    const input = {
      ...selectionOf(flags),
      ...(ids.length === 0 ? {} : { ids }),
      ...(flags.all ? { all: true } : {}),
      ...reason,
    };
    const changed = (await operate(this, flags, `queue.${verb}`, input)) as QueueChanged;
    printer.data(changed, () => changedWords(printer, `queue.changed.${verb}`, changed));
  }
  const flags = {
    ...selectionFlags(messages),
    all: { kind: 'boolean', default: false, withNegated: false, brief: messages['queue.all'] },
    ...commonFlags(messages),
  } as const;
  const positional = {
    kind: 'array',
    parameter: { parse: String, brief: messages['queue.ids'], placeholder: 'ID' },
  } as const;
  const docs = { brief: messages[`queue.${verb}.brief`], fullDescription: helpText(messages, undefined, examples) };
  if (verb !== 'hold')
    return buildCommand<ChangeFlags, string[], CliContext>({
      func,
      parameters: { flags, aliases: directoryAlias, positional },
      docs,
    });
  const reason = {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: messages['queue.reason'],
    placeholder: 'TEXT',
  } as const;
  return buildCommand<HoldFlags, string[], CliContext>({
    func,
    parameters: { flags: { reason, ...flags }, aliases: directoryAlias, positional },
    docs,
  });
}

function selectionOf(flags: SelectionFlags): Record<string, string> {
  const { recipient, from, dest, holder, serial } = flags;
  const given = { recipient, reversePath: from, dest, holder, serial };
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function listingWords(printer: Printer, { entries, counts, more }: QueueListing): string {
  if (entries.length === 0) return `${printer.say(counts.entries === 0 ? 'queue.empty' : 'queue.nomatch')}\n`;
  const now = Date.now();
  const rows = entries.flatMap((entry) =>
    entry.deliveries.map((delivery, index) => [
      ...(index === 0
        ? [entry.id, span(now - entry.at), size(entry.size), `<${safe(entry.reversePath)}>`, entry.holder ?? '-']
        : ['', '', '', '', '']),
      safe(delivery.recipient),
      dueWords(printer, delivery.due, now),
      String(delivery.attempts),
      safe(delivery.lastDetail),
    ]),
  );
  const heads = (['id', 'age', 'size', 'from', 'holder', 'recipient', 'due', 'attempts', 'last'] as const).map((name) =>
    printer.say(`column.${name}`),
  );
  const shown = table(heads, rows, ['left', 'right', 'right', 'left', 'left', 'left', 'left', 'right', 'left']);
  return `${shown}${printer.say('queue.counts', { ...counts, oldest: '' })}\n${more ? `${printer.say('queue.more')}\n` : ''}`;
}

function detailsWords(printer: Printer, { entry, history }: QueueDetails): string {
  const heads = (['at', 'what', 'dest', 'detail'] as const).map((name) => printer.say(`column.${name}`));
  const lines =
    history.length === 0
      ? ''
      : `\n${table(
          heads,
          history.map(({ at, kind, dest, detail }) => [time(at), kind, dest, safe(detail)]),
        )}`;
  return (entry === null ? `${printer.say('queue.gone')}\n` : entryWords(printer, entry)) + lines;
}

function entryWords(printer: Printer, entry: QueuedEntry): string {
  const facts = pairs([
    [printer.say('column.id'), entry.id],
    [printer.say('column.at'), time(entry.at)],
    [printer.say('column.from'), `<${safe(entry.reversePath)}>`],
    [printer.say('column.size'), size(entry.size)],
    [printer.say('column.holder'), entry.holder ?? '-'],
    [printer.say('column.serial'), entry.serial ?? '-'],
    ['Message-ID', safe(entry.messageId ?? '-')],
    ['Client', safe(entry.peer)],
  ]);
  const now = Date.now();
  const heads = (['recipient', 'due', 'attempts', 'last'] as const).map((name) => printer.say(`column.${name}`));
  const rows = entry.deliveries.map(({ recipient, due, attempts, lastDetail }) => [
    safe(recipient),
    dueWords(printer, due, now),
    String(attempts),
    safe(lastDetail),
  ]);
  return `${facts}\n${table(heads, rows, ['left', 'left', 'right', 'left'])}`;
}

function dueWords(printer: Printer, due: number | null, now: number): string {
  if (due === null) return printer.say('queue.heldWord');
  return due <= now ? '0s' : span(due - now);
}

function changedWords(printer: Printer, key: MessageKey, { ids }: QueueChanged): string {
  return `${printer.say(key, { count: ids.length })}\n${ids.map((id) => `  ${id}\n`).join('')}`;
}
