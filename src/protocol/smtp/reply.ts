import type { Status } from '../../base/status.ts';

/** A reply as it goes over the wire. `lines` are text without code, enhanced code and line ends; never empty. */
export interface Reply {
  readonly code: number;
  readonly enhanced: string | undefined;
  readonly lines: readonly string[];
}

/** The reply of a status; `{name}` in its text becomes `values[name]`, cleaned of line ends and control characters, and cut where it is long. */
export function replyOf(status: Status, values: Readonly<Record<string, string | number>> = {}): Reply {
  const text = status.text.replace(/\{(\w+)\}/g, (_, name: string) => clean(String(values[name] ?? '')));
  return { code: status.code, enhanced: status.enhanced, lines: [text] };
}

/** The reply as text with CRLF line ends; the enhanced code stands on every line (RFC 2034 §4). */
export function formatReply(reply: Reply): string {
  const prefix = reply.enhanced === undefined ? '' : `${reply.enhanced} `;
  const last = reply.lines.length - 1;
  let text = '';
  for (let i = 0; i <= last; i++) text += `${reply.code}${i === last ? ' ' : '-'}${prefix}${reply.lines[i]}\r\n`;
  return text;
}

/** The reply on one line, without line end, for events: `550 5.7.1 Relaying denied`. */
export function replyText(reply: Reply): string {
  const prefix = reply.enhanced === undefined ? '' : `${reply.enhanced} `;
  return `${reply.code} ${prefix}${reply.lines.join(' / ')}`;
}

/** What a value may put into a reply: a line has at most 512 octets (RFC 5321 §4.5.3.1.5), a path 256. */
const VALUE_LENGTH = 260;

function clean(value: string): string {
  if (value.length > VALUE_LENGTH) value = `${value.slice(0, VALUE_LENGTH - 3)}...`;
  // oxlint-disable-next-line no-control-regex -- control characters of the peer must not come back in our reply
  return value.replace(/[\u0000-\u001f\u007f]/g, '?');
}
