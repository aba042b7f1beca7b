import { fromUtf8, utf8 } from '../../base/bytes.ts';

/** Text as xtext (RFC 3461 §4): octets outside `!` to `~`, `+` and `=` become `+` and two hexadecimal digits. */
export function encodeXtext(text: string): string {
  if (/^[!-*,-<>-~]*$/.test(text)) return text;
  let encoded = '';
  for (const octet of utf8(text)) {
    const plain = octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d;
    encoded += plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/**
 * The text of an xtext, its octets read as UTF-8. Undefined when it is none, or hides control characters: these would
 * come back in a header or a report.
 */
export function decodeXtext(encoded: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(encoded)) return undefined;
  if (!encoded.includes('+')) return encoded;
  const octets: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    if (encoded[i] === '+') {
      octets.push(Number.parseInt(encoded.slice(i + 1, i + 3), 16));
      i += 2;
    } else octets.push(encoded.charCodeAt(i));
  }
  const text = fromUtf8(Uint8Array.from(octets));
  // oxlint-disable-next-line no-control-regex -- just these are refused
  return text === undefined || /[\u0000-\u001f\u007f-\u009f]/.test(text) ? undefined : text;
}
