/** How things look on a terminal: aligned tables, times, colours. Pure text; writing is the caller's. */

/** `192.0.2.1:25`, `[::]:25`. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export type Align = 'left' | 'right';

/** The width of text on a terminal: East Asian wide characters take two columns, combining marks none. */
export function width(text: string): number {
  let columns = 0;
  for (const char of text) {
    if (/\p{Mn}|\p{Cf}/u.test(char)) continue;
    columns +=
      /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|[\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return columns;
}

/** Rows under heads, columns parted by two blanks, none at the end of a line. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Align[] = [],
): string {
  const widths = heads.map((head, column) => Math.max(width(head), ...rows.map((row) => width(row[column] ?? ''))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const pad = ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)));
        return align[column] === 'right' ? pad + cell : cell + pad;
      })
      .join('  ')
      .trimEnd();
  return [heads, ...rows].map((cells) => `${line(cells)}\n`).join('');
}

/** `name: value` lines with the values under each other; a pair without a name goes on with the one before. */
export function pairs(list: readonly (readonly [name: string, value: string])[]): string {
  const longest = Math.max(...list.map(([name]) => width(name)));
  return list
    .map(([name, value]) => `${name === '' ? ' ' : `${name}:`}${' '.repeat(longest - width(name) + 1)}${value}\n`)
    .join('');
}

/** A time in UTC, to the minute: `2026-11-24 10:30Z`. */
export function time(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

export function date(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** A span in its largest sensible unit: `3d`, `12m`, `5s`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

export function size(octets: number): string {
  if (octets < 1_024) return `${octets}B`;
  if (octets < 1_048_576) return `${(octets / 1_024).toFixed(octets < 10_240 ? 1 : 0)}KB`;
  return `${(octets / 1_048_576).toFixed(1)}MB`;
}

// oxlint-disable-next-line no-control-regex -- control characters are what is searched
const CONTROL = /[\u0000-\u001F\u007F-\u009F]/g;

/** Text from peers or files, harmless on a terminal: control characters as `\xHH`. */
export function safe(text: string): string {
  return text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';
const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** Colours text when `on`. */
export function painter(on: boolean): (colour: Colour, text: string) => string {
  return (colour, text) => (on ? `\x1b[${CODES[colour][0]}m${text}\x1b[${CODES[colour][1]}m` : text);
}
