/** Options that many commands share. */
import type { FlagParametersForType } from '@stricli/core';
import { parseDuration } from '../config/units.ts';
import type { CliContext } from './context.ts';
import { CliError } from './exit.ts';
import { fill } from './messages/choose.ts';
import type { MessageKey, Messages } from './messages/en.ts';

export interface DirectoryFlags {
  readonly directory?: string;
}

export interface CommonFlags extends DirectoryFlags {
  readonly json: boolean;
}

export interface SelectionFlags {
  readonly recipient?: string;
  readonly from?: string;
  readonly dest?: string;
  readonly holder?: string;
  readonly serial?: string;
}

const text = String;

export function directoryFlags(messages: Messages): FlagParametersForType<DirectoryFlags, CliContext> {
  return {
    directory: { kind: 'parsed', parse: text, optional: true, brief: messages['flag.directory'], placeholder: 'DIR' },
  };
}

export function commonFlags(messages: Messages): FlagParametersForType<CommonFlags, CliContext> {
  return {
    ...directoryFlags(messages),
    json: { kind: 'boolean', default: false, withNegated: false, brief: messages['flag.json'] },
  };
}

export function selectionFlags(messages: Messages): FlagParametersForType<SelectionFlags, CliContext> {
  const option = (brief: string, placeholder: string) =>
    ({ kind: 'parsed', parse: text, optional: true, brief, placeholder }) as const;
  return {
    recipient: option(messages['queue.recipient'], 'ADDRESS'),
    from: option(messages['queue.from'], 'ADDRESS'),
    dest: option(messages['queue.dest'], 'DOMAIN'),
    holder: option(messages['queue.holder'], 'NAME'),
    serial: option(messages['queue.serial'], 'SERIAL'),
  };
}

/** The single letters of these. */
export const directoryAlias = { d: 'directory' } as const;

/** A whole number within bounds, for stricli's `parse`. */
export function wholeNumber(messages: Messages, least: number, most: number): (input: string) => number {
  return (input) => {
    const value = /^\d+$/.test(input) ? Number(input) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new CliError('usage', fill(messages, 'error.number', { least, most }));
  };
}

/** An optional flag whose value is the number of an open file descriptor. */
export function descriptorFlag(messages: Messages, key: MessageKey): DescriptorFlag {
  return {
    kind: 'parsed',
    parse: wholeNumber(messages, 0, 65_535),
    optional: true,
    brief: messages[key],
    placeholder: 'N',
  };
}

interface DescriptorFlag {
  readonly kind: 'parsed';
  readonly parse: (input: string) => number;
  readonly optional: true;
  readonly brief: string;
  readonly placeholder: string;
}

/** A time such as `30d`, in ms, for stricli's `parse`. */
export function timeSpan(messages: Messages): (input: string) => number {
  return (input) => {
    const value = parseDuration(input);
    if (value !== undefined) return value;
    throw new CliError('usage', messages['error.time']);
  };
}

/** A command's long text: what it does, and examples. */
export function helpText(messages: Messages, more: string | undefined, examples: readonly string[]): string {
  const shown = `${messages['examples']}\n${examples.map((example) => `  sealpost ${example}`).join('\n')}`;
  return more === undefined ? shown : `${more}\n\n${shown}`;
}
