/** Base64 for URLs without padding (RFC 4648 §5, RFC 7515 §2), in its one canonical form. */
import type { Bytes } from '../../base/bytes.ts';

export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * The octets, or undefined when the text is not exactly what `encodeBase64url` writes: with padding, other letters or
 * stray bits at the end one signature would have many spellings.
 */
export function decodeBase64url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  return encodeBase64url(bytes) === text ? bytes : undefined;
}
