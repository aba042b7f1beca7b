/** Writing multipart bodies (RFC 2046 §5.1) as a list of pieces, so that large parts are never copied. */
import { utf8 } from '../../base/bytes.ts';

/** A part: header lines without line ends, and its body in pieces. */
export interface Part {
  readonly header: readonly string[];
  readonly body: readonly Uint8Array[];
}

/** The parts between their delimiters. `boundary` must not occur in any part: make it of randomness. */
export function writeMultipart(boundary: string, parts: readonly Part[]): Uint8Array[] {
  checkBoundary(boundary);
  const pieces: Uint8Array[] = [];
  let before = '';
  for (const part of parts) {
    pieces.push(
      utf8(`${before}--${boundary}\r\n${part.header.map((line) => `${line}\r\n`).join('')}\r\n`),
      ...part.body,
    );
    // The line end before a delimiter belongs to the delimiter.
    before = '\r\n';
  }
  pieces.push(utf8(`${before}--${boundary}--\r\n`));
  return pieces;
}

/** RFC 2046 §5.1.1, less the characters that would need quotes around the parameter. */
function checkBoundary(boundary: string): void {
  if (!/^[0-9A-Za-z'+_.-]{1,70}$/.test(boundary))
    throw new RangeError(`boundary ${JSON.stringify(boundary)} is not 1 to 70 plain characters`);
}
