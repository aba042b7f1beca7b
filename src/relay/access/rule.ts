/** What the value of an access map entry says. */
import { statuses } from '../../base/status.ts';

/** A value for Connect:, From: and To:, which take a word they do not know for the text of an error. */
export type Rule =
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'discard' }
  | { readonly kind: 'quarantine'; readonly reason: string }
  /** The line says its own reply. */
  | { readonly kind: 'error'; readonly code: number; readonly enhanced: string | undefined; readonly text: string };

/**
 * Whether a value is this one word. Case does not matter; what stands in parentheses is a comment. Quotes, or anything
 * else behind it, make it another value.
 */
export function isWord(value: string, word: string): boolean {
  if (value.length !== word.length && !value.includes('(')) return false;
  return withoutComments(value).toUpperCase() === word;
}

function withoutComments(value: string): string {
  if (!value.includes('(')) return value;
  let bare = value;
  for (let before = ''; before !== bare;) {
    before = bare;
    bare = before.replace(/\([^()]*\)/g, '');
  }
  return bare.trim();
}

/**
 * The rule of a value. OK and RELAY both say "go on" where mail is checked; who may relay is asked with `isWord`.
 * `literal` leaves reply codes as they are written, even where one contradicts the other.
 */
export function parseRule(value: string, literal: boolean): Rule {
  const bare = withoutComments(value);
  const word = bare.toUpperCase();
  if (word === 'OK' || word === 'RELAY') return { kind: 'accept' };
  if (word === 'REJECT') return { kind: 'reject' };
  if (word === 'DISCARD') return { kind: 'discard' };
  if (word.startsWith('QUARANTINE:') && bare.length > 11) return { kind: 'quarantine', reason: bare.slice(11).trim() };
  if (!word.startsWith('ERROR:')) return errorRule(undefined, bare, literal);
  const rest = bare.slice(6);
  const coded = /^\s*([^\s.:]+)\s*\.\s*([^\s.:]+)\s*\.\s*([^\s.:]+)\s*:(.+)$/.exec(rest);
  if (coded === null) return errorRule(undefined, rest, literal);
  const enhanced = `${coded[1]}.${coded[2]}.${coded[3]}`;
  return errorRule(isEnhanced(enhanced) ? enhanced : undefined, coded[4] as string, literal);
}

function isEnhanced(text: string): boolean {
  return /^[245]\.\d{1,3}\.\d{1,3}$/.test(text);
}

const unsaid = statuses['access-map'];

/**
 * The reply in a text: `550 5.7.1 words`, `550 words` or `words`. The enhanced code is the one in the text, else
 * `enhanced`, else the code's class with zeros; without a reply code it is 553 5.3.0, whatever `enhanced` says.
 */
function errorRule(enhanced: string | undefined, written: string, literal: boolean): Rule {
  const text = written.replaceAll('"', '').replace(/\s+/g, ' ').trim();
  const coded = /^(\d{3})\s+(?:([245]\.\d{1,3}\.\d{1,3})\s+)?(.*)$/.exec(text);
  const code = coded === null ? 0 : Number(coded[1]);
  // What is no refusal by its code cannot be the answer to a command that is refused.
  if (coded === null || code < 400 || code > 599)
    return { kind: 'error', code: unsaid.code, enhanced: unsaid.enhanced, text };
  const given = coded[2] ?? enhanced;
  const group = (coded[1] as string).slice(0, 1);
  // RFC 2034 §4: both codes are of one class.
  const fits = given !== undefined && (literal || given.startsWith(group));
  return { kind: 'error', code, enhanced: fits ? given : `${group}.0.0`, text: coded[3] as string };
}
