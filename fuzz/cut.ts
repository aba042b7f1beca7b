/** The bytes in small parts; where they are cut depends on the bytes alone, so that a run can be repeated. */
export function cutByContent(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let state = bytes.length + 1;
  for (let at = 0; at < bytes.length;) {
    state = (Math.imul(state, 48_271) + bytes[at]!) >>> 0;
    const length = 1 + (state % 7 === 0 ? state % 61 : state % 4);
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}
