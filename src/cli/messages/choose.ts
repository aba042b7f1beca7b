import { type MessageKey, type Messages, en } from './en.ts';
import { ja } from './ja.ts';

/** The catalogue for a POSIX environment: LC_ALL counts before LC_MESSAGES before LANG; `ja…` is Japanese, all else English. */
export function messagesFor(environment: Readonly<Record<string, string | undefined>>): Messages {
  const locale = environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG'] || '';
  return /^ja(?:[_.@-]|$)/i.test(locale) ? ja : en;
}

/** A message with its `{name}`s filled in. A name that is not given stays visible. */
export function fill(messages: Messages, key: MessageKey, values: Readonly<Record<string, string | number>>): string {
  return messages[key].replace(/\{([A-Za-z]+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
