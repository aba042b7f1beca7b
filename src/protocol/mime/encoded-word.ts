/** Text that is not ASCII in header fields that must be (RFC 2047): subjects and display names. */
import { utf8 } from '../../base/bytes.ts';

/** The longest encoded word (RFC 2047 §2), and what `=?UTF-8?B?` and `?=` leave of it. */
const LONGEST = 75;
const FRAME = '=?UTF-8?B?'.length + '?='.length;

/** Octets of UTF-8 in one word: base64 takes four characters for three. */
const OCTETS = Math.floor((LONGEST - FRAME) / 4) * 3;

/**
 * Text for an unstructured field: as it is when it is printable ASCII and cannot be taken for an encoded word, else as
 * encoded words with CRLF SP between them. Line ends and control characters never get through as such.
 */
export function encodeText(text: string): string {
  return isPlain(text) ? text : encodeWords(text);
}

/** A display name: an atom phrase, a quoted string, or encoded words (RFC 5322 §3.2.5, RFC 2047 §5). */
export function encodePhrase(name: string): string {
  if (!isPlain(name)) return encodeWords(name);
  if (/^[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+(?: [0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+)*$/.test(name)) return name;
  return `"${name.replace(/["\\]/g, '\\$&')}"`;
}

/** Encoded words decoded, blanks between two of them removed (RFC 2047 §6.2); what cannot be decoded stays as it is. */
export function decodeText(text: string): string {
  if (!text.includes('=?')) return text;
  // Each word is decoded by itself, yet one character may be cut between two words of one charset: join their bytes.
  const word = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?\s]*)\?=/gi;
  let decoded = '';
  let last = 0;
  let run: { readonly charset: string; readonly bytes: Uint8Array[] } | undefined;
  let rawRun = '';
  const flush = (): void => {
    if (run !== undefined) decoded += decodeBytes(run.charset, run.bytes) ?? rawRun;
    run = undefined;
    rawRun = '';
  };
  for (const match of text.matchAll(word)) {
    const [raw, charset, encoding, payload] = match as unknown as [string, string, string, string];
    const between = text.slice(last, match.index);
    const bytes = encoding.toLowerCase() === 'b' ? decodeBase64(payload) : decodeQ(payload);
    last = match.index + raw.length;
    if (run !== undefined && /^[ \t\r\n]*$/.test(between) && bytes !== undefined) {
      if (run.charset === charset.toLowerCase()) {
        run.bytes.push(bytes);
        rawRun += between + raw;
        continue;
      }
      flush();
    } else {
      flush();
      decoded += between;
    }
    if (bytes === undefined) {
      decoded += raw;
      continue;
    }
    run = { charset: charset.toLowerCase(), bytes: [bytes] };
    rawRun = raw;
  }
  flush();
  return decoded + text.slice(last);
}

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !text.includes('=?') && text.length < 900;
}

function encodeWords(text: string): string {
  const words: string[] = [];
  let chunk = '';
  let octets = 0;
  for (const character of text) {
    // By code points, so that no character is cut in two (RFC 2047 §5). A lone surrogate becomes U+FFFD.
    const size = utf8(character).length;
    if (octets + size > OCTETS) {
      words.push(word(chunk));
      chunk = '';
      octets = 0;
    }
    chunk += character;
    octets += size;
  }
  words.push(word(chunk));
  return words.join('\r\n ');
}

function word(chunk: string): string {
  return `=?UTF-8?B?${Buffer.from(utf8(chunk)).toString('base64')}?=`;
}

function decodeBase64(payload: string): Uint8Array | undefined {
  return /^[0-9A-Za-z+/]*={0,2}$/.test(payload) ? Buffer.from(payload, 'base64') : undefined;
}

/** RFC 2047 §4.2. */
function decodeQ(payload: string): Uint8Array | undefined {
  if (/=(?![0-9A-Fa-f]{2})/.test(payload)) return undefined;
  const plain = payload
    .replace(/_/g, ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(plain, 'latin1');
}

/** Undefined when the charset is unknown or the bytes are none of it. */
function decodeBytes(charset: string, parts: readonly Uint8Array[]): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    return undefined; // a charset without a decoder, or bytes it cannot read: the words stay as they are
  }
}
