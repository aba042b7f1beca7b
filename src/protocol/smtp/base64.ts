/**
 * The bytes of a base64 text (RFC 4648 §4), read strictly: whole groups of four, padding where it belongs, no bits left
 * over, nothing but the alphabet (RFC 4954 §4). Undefined when the text is anything else.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  // Node ignores bits left over behind the last octet; written again they are gone, and the text differs.
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
}

/** Bytes as base64, padded, on one line. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
