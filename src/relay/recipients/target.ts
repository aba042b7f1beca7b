/** The right-hand side of an alias: a list of addresses as people write them (RFC 5322 §3.4), programs, files, lists of lists. */
import { parseAddress, type Address } from '../../protocol/smtp/address.ts';

/** What mail of an alias goes to. */
export type Target =
  | { readonly kind: 'address'; readonly address: Address }
  /** `\name`: this user, whatever the aliases say. */
  | { readonly kind: 'user'; readonly local: string }
  | { readonly kind: 'program' | 'file' | 'include' | 'unreadable'; readonly text: string };

/** Cut at the commas that are in no quotes, comment or angle brackets; blanks and comments around them are gone. */
export function splitTargets(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  let quoted = false;
  let angle = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (letter === '\\' && i + 1 < text.length) {
      if (depth === 0) part += letter + text[i + 1]!;
      i += 1;
    } else if (quoted || (letter === '"' && depth === 0)) {
      if (letter === '"') quoted = !quoted;
      part += letter;
    } else if (letter === '(') depth += 1;
    else if (letter === ')' && depth > 0) depth -= 1;
    else if (depth > 0) continue;
    else if (letter === ',' && !angle) {
      parts.push(part);
      part = '';
    } else {
      if (letter === '<') angle = true;
      if (letter === '>') angle = false;
      part += letter;
    }
  }
  parts.push(part);
  return parts.map((one) => one.trim()).filter((one) => one !== '');
}

/** One of the list. */
export function parseTarget(text: string): Target {
  const plain = unquoted(text);
  if (plain.startsWith('|')) return { kind: 'program', text: plain.slice(1).trim() };
  if (plain.startsWith('/')) return { kind: 'file', text: plain };
  if (/^:include:/i.test(plain)) return { kind: 'include', text: plain.slice(':include:'.length).trim() };
  if (/^\\[^@]+$/.test(text)) return { kind: 'user', local: text.slice(1) };
  const address = parseAddress(/<([^<>]*)>\s*$/.exec(text)?.[1] ?? text);
  return address === undefined ? { kind: 'unreadable', text } : { kind: 'address', address };
}

/** Without the quotes around the whole of it. */
function unquoted(text: string): string {
  return /^"(?:[^"\\]|\\.)*"$/.test(text) ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}
