/**
 * Where a path ends for those who take it as Sendmail does, whatever stands in it: at the first blank outside of angle
 * brackets, quotes and comments. Whether it is an address is for policy to say, in Sendmail's words.
 */
export function loosePath(text: string): { readonly typed: string; readonly rest: string } {
  let quoted = false;
  let angles = 0;
  let comments = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '\\') at += 1;
    else if (letter === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (letter === '(') comments += 1;
    else if (letter === ')') comments -= 1;
    else if (comments > 0) continue;
    else if (letter === '<') angles += 1;
    else if (letter === '>') angles -= 1;
    else if (letter === ' ' && angles <= 0) return { typed: text.slice(0, at), rest: text.slice(at) };
  }
  return { typed: text, rest: '' };
}
