/**
 * Addresses cut into the tokens that Sendmail's rules work on: operators stand alone, a quoted string is one token,
 * comments and blanks are gone (RFC 5322 §3.2).
 */
import type { StatusKey } from '../../base/status.ts';

export type Tokens = readonly string[];

export type Tokenized =
  | { readonly kind: 'tokens'; readonly tokens: Tokens }
  | { readonly kind: 'refused'; readonly status: StatusKey; readonly sign: string };

const OPERATORS = new Set('.:%@!^/[]+()<>,;\r\n');

/** Longer addresses are not looked at. */
const MAX_ADDRESS = 255;

/** The tokens of an address as typed, angle brackets included. */
export function tokenize(text: string): Tokenized {
  if (Buffer.byteLength(text) > MAX_ADDRESS) return { kind: 'refused', status: 'address-too-long', sign: text };
  const tokens: string[] = [];
  let atom = '';
  let quoted = false;
  let comments = 0;
  let angles = 0;
  const end = (): void => {
    if (atom !== '') tokens.push(atom);
    atom = '';
  };
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === '\\' && at + 1 < text.length) {
      at += 1;
      const escaped = text[at] as string;
      if (comments > 0) continue;
      // Users who write host\!user mean the operator.
      if (escaped === '!' && !quoted) {
        end();
        tokens.push('!');
      } else atom += letter + escaped;
    } else if (quoted) {
      atom += letter;
      if (letter !== '"') continue;
      quoted = false;
      end();
    } else if (letter === '(') comments += 1;
    else if (letter === ')') {
      comments -= 1;
      if (comments < 0) return unbalanced(')');
    } else if (comments > 0) continue;
    else if (letter === '"') {
      end();
      atom = letter;
      quoted = true;
    } else if (letter === ' ' || letter === '\t') end();
    else if (OPERATORS.has(letter)) {
      end();
      if (letter === '<') angles += 1;
      else if (letter === '>') angles -= 1;
      if (angles < 0) return unbalanced('>');
      tokens.push(letter);
    } else atom += letter;
  }
  if (quoted) return unbalanced('"');
  if (comments > 0) return unbalanced('(');
  if (angles > 0) return unbalanced('<');
  end();
  return { kind: 'tokens', tokens };
}

function unbalanced(sign: string): Tokenized {
  return { kind: 'refused', status: 'address-unbalanced', sign };
}

/** Tokens as text; between two atoms there was a blank. */
export function joined(tokens: Tokens): string {
  let text = '';
  let atom = false;
  for (const token of tokens) {
    const isAtom = !OPERATORS.has(token) && !token.startsWith('"');
    text += isAtom && atom ? ` ${token}` : token;
    atom = isAtom;
  }
  return text;
}

/** The tokens inside a single quoted string; as they are where there is none, or where its quotes are needed. */
export function dequoted(tokens: Tokens): Tokens {
  const [only = ''] = tokens;
  if (tokens.length !== 1 || !only.includes('"') || /[ \t]/.test(only.replaceAll(/\\./g, ''))) return tokens;
  const bare = tokenize(only.replaceAll(/\\.|"/g, (found) => (found === '"' ? '' : found)));
  return bare.kind === 'tokens' ? bare.tokens : tokens;
}
