/** PEM of RFC 7468: one block of base64, 64 characters a line, between two boundary lines. */
import { latin1, type Bytes } from '../../base/bytes.ts';

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `CERTIFICATE REQUEST`, `X509 CRL`… */
  readonly label: string;
  readonly der: Bytes;
}

/** One block, ending with a line end. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  let text = `-----BEGIN ${label}-----\n`;
  for (let at = 0; at < base64.length; at += 64) text += `${base64.slice(at, at + 64)}\n`;
  return `${text}-----END ${label}-----\n`;
}

/**
 * All blocks of a text in order. Text between blocks is skipped, as RFC 7468 §2 allows; a block that does not end,
 * or is no base64, is skipped too, so what comes back may be empty.
 */
export function decodePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf('-----BEGIN ', at);
    if (begin === -1) return blocks;
    const labelEnd = text.indexOf('-----', begin + 11);
    if (labelEnd === -1) return blocks;
    const label = text.slice(begin + 11, labelEnd);
    const end = text.indexOf(`-----END ${label}-----`, labelEnd + 5);
    if (end === -1) {
      at = labelEnd + 5;
      continue;
    }
    const base64 = text.slice(labelEnd + 5, end).replaceAll(/\s+/g, '');
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(base64) && base64.length % 4 === 0) {
      blocks.push({ label, der: new Uint8Array(Buffer.from(base64, 'base64')) });
    }
    at = end + label.length + 14;
  }
}

/** The DER of the first block with this label in a file; undefined without one. */
export function pemBlock(file: Uint8Array, label: string): Bytes | undefined {
  return decodePem(latin1(file)).find((block) => block.label === label)?.der;
}
