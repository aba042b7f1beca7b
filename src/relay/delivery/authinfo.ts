/**
 * Sendmail's authinfo table: `AuthInfo:host "U:user" "P:password"`, looked up by host, by address and for all. Only the
 * text is read here; who may read the file is its reader's question.
 */
import type { Login } from './login.ts';

/** The login for a hop; undefined when the table has none. */
export function authinfoLogin(
  text: string,
  hop: { readonly host: string; readonly address: string },
): Login | undefined {
  const rows = readRows(text);
  const value = [hop.host, hop.address, ''].map((key) => rows.get(key.toLowerCase())).find((one) => one !== undefined);
  return value === undefined ? undefined : readValue(value);
}

function readRows(text: string): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key = '', value = ''] = /^AuthInfo:(\S*)\s+(\S.*)$/i.exec(line) ?? [];
    // makemap takes the first of two lines with one key.
    if (value !== '' && !rows.has(key.toLowerCase())) rows.set(key.toLowerCase(), value.trim());
  }
  return rows;
}

/** `"U:authorize" "I:authenticate" "P=base64" "R:realm" "M:mechanisms"`; `=` instead of `:` marks base64. */
function readValue(value: string): Login | undefined {
  const fields = new Map<string, string>();
  for (const [, quoted, bare] of value.matchAll(/"([^"]*)"|(\S+)/g)) {
    const [, letter = '', sign, rest = ''] = /^([UIPRM])([:=])(.*)$/is.exec(quoted ?? bare ?? '') ?? [];
    if (letter !== '')
      fields.set(letter.toUpperCase(), sign === '=' ? Buffer.from(rest, 'base64').toString('utf8') : rest);
  }
  const user = fields.get('I') ?? fields.get('U');
  if (user === undefined) return undefined;
  const mechanisms = fields
    .get('M')
    ?.toUpperCase()
    .split(/[\s,]+/)
    .filter((name) => name !== '');
  return { user, password: fields.get('P'), mechanisms: mechanisms?.length ? mechanisms : undefined };
}
