/** The lines of an AUTH exchange (RFC 4954 §4). */
import type { StatusKey } from '../../base/status.ts';
import { decodeBase64 } from './base64.ts';
import type { ByteQueue } from './byte-queue.ts';
import { lineText } from './command.ts';
import { takeLine } from './line.ts';

/** A response, or why there is none. `whole` false: the rest of the line is still to come, and nobody wants it. */
export type AuthLine =
  | { readonly whole: true; readonly response: Uint8Array }
  | { readonly whole: boolean; readonly response: undefined; readonly refusal: StatusKey };

/** The next line; undefined when it is not there yet. */
export function readAuthLine(queue: ByteQueue, limit: number): AuthLine | undefined {
  const line = takeLine(queue, limit);
  if (line === undefined) return undefined;
  if (line.kind !== 'line')
    return { whole: false, response: undefined, refusal: line.kind === 'long' ? 'auth-too-long' : 'bare-line-end' };
  const text = lineText(line.bytes);
  const response = decodeBase64(text);
  if (response !== undefined) return { whole: true, response };
  return { whole: true, response: undefined, refusal: text === '*' ? 'auth-cancelled' : 'auth-bad-base64' };
}
