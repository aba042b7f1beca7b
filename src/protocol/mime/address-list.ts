/**
 * Where the addresses stand in the value of a header field that holds some (RFC 5322 §3.4): in brackets or bare, in
 * groups, between comments and names. It reads no more than it has to, so that what is not an address stays as it is.
 */

/** An address in a text: what stands from `from` to `to` is `address`, a source route before it included (RFC 5322 §4.4). */
export interface AddressSpan {
  readonly from: number;
  readonly to: number;
  readonly address: string;
}

/** All addresses of a field's value, in order; none when the value is malformed. */
export function addressSpans(text: string): AddressSpan[] {
  const found: AddressSpan[] = [];
  let at = 0;
  /** Words outside of brackets since the last separator. */
  let words: Range[] = [];
  let inBrackets: Range | undefined;
  let isBroken = false;

  const close = (): void => {
    const [only] = words;
    const range = inBrackets ?? (words.length === 1 ? only : undefined);
    if (range !== undefined && !isBroken) add(found, text, range);
    words = [];
    inBrackets = undefined;
    isBroken = false;
  };

  while (at < text.length) {
    const next = text[at] as string;
    if (isBlank(next)) at += 1;
    else if (next === '(') {
      at = commentEnd(text, at);
      if (at < 0) return [];
    } else if (next === ',' || next === ';') {
      close();
      at += 1;
    } else if (next === ':') {
      // What stood before it names a group.
      words = [];
      at += 1;
    } else if (next === '<') {
      const end = bracketEnd(text, at);
      if (end < 0) return [];
      isBroken ||= inBrackets !== undefined;
      inBrackets = trimmed(text, at + 1, end - 1);
      at = end;
    } else {
      const end = wordEnd(text, at);
      if (end < 0) return [];
      words.push({ from: at, to: end });
      at = end;
    }
  }
  close();
  return found;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function add(found: AddressSpan[], text: string, { from, to }: Range): void {
  const whole = text.slice(from, to);
  const address = whole.startsWith('@') ? whole.slice(whole.lastIndexOf(':') + 1) : whole;
  if (address !== '') found.push({ from, to, address });
}

/** Past a word: characters up to a blank, a comment or a separator, quoted strings and address literals as they are. */
function wordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const next = text[at] as string;
    if (next === '"') {
      at = quoteEnd(text, at);
      if (at < 0) return -1;
    } else if (next === '[') {
      at = text.indexOf(']', at) + 1;
      if (at === 0) return -1;
    } else if (isBlank(next) || '(,;:<>'.includes(next)) {
      // A stray bracket is no word, and must not be looked at for ever.
      return at === from ? -1 : at;
    } else at += 1;
  }
  return at;
}

/** Past the `>` of the bracket at `from`. */
function bracketEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length) {
    const next = text[at] as string;
    if (next === '>') return at + 1;
    if (next === '<') return -1;
    if (next === '"') {
      at = quoteEnd(text, at);
      if (at < 0) return -1;
    } else at += 1;
  }
  return -1;
}

function quoteEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}

/** Comments nest (RFC 5322 §3.2.2). */
function commentEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '(') depth += 1;
    else if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

function trimmed(text: string, from: number, to: number): Range {
  let start = from;
  let end = to;
  while (start < end && isBlank(text[start] as string)) start += 1;
  while (end > start && isBlank(text[end - 1] as string)) end -= 1;
  return { from: start, to: end };
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}
