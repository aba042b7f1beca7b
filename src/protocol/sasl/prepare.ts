/**
 * Names and passwords as they are compared. RFC 4013 (SASLprep) as far as it matters: blanks of all kinds are one,
 * invisible characters go, compatibility forms become one (NFKC), and what no keyboard makes is refused. Its tables are
 * of Unicode 3.2, these of the running program: that, and the check of right-to-left text, is what is left out (RFC 8265 does
 * not refuse unassigned characters by a table either).
 */

/** RFC 3454 table B.1, commonly mapped to nothing. */
// oxlint-disable-next-line no-misleading-character-class -- they are sought one by one
const NOTHING = /[\u00AD\u034F\u1806\u180B-\u180D\u200B-\u200D\u2060\uFE00-\uFE0F\uFEFF]/g;
/** RFC 3454 tables C.2 to C.9: control characters, private use, non-characters, surrogates, tags. */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u2028\u2029\u202A-\u202E\u206A-\u206F\uFFF9-\uFFFD\u{E0001}-\u{E007F}]/u;
/** Octets that a name or password may have at most. */
const LONGEST = 1_024;

/** A password, prepared; undefined when it is empty, too long, or has characters that it must not have. */
export function prepare(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  const prepared = text
    .replace(/\p{Zs}/gu, ' ')
    .replace(NOTHING, '')
    .normalize('NFKC');
  return prepared === '' || PROHIBITED.test(prepared) ? undefined : prepared;
}

/** A user name, prepared; names of holders have no blanks and are in lower case. */
export function prepareName(text: string): string | undefined {
  const prepared = prepare(text)?.toLowerCase();
  return prepared === undefined || prepared.includes(' ') ? undefined : prepared;
}
