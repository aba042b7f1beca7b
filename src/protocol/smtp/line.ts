import type { ByteQueue } from './byte-queue.ts';

const CR = 0x0d;
const LF = 0x0a;
const CRLF = Buffer.from('\r\n');

/**
 * What stands at the front of the queue. `line`: a whole line, `bytes` without its end. `bare`: a CR or LF that is not
 * part of CRLF, before any line end. `long`: no line end within the limit. Of the last two, `bytes` is what came before.
 */
export interface Line {
  readonly kind: 'line' | 'bare' | 'long';
  readonly bytes: Buffer;
}

/**
 * Takes one line of at most `limit` octets, CRLF included (RFC 5321 §2.3.8: nothing but CRLF ends a line); undefined
 * when more bytes are needed to know. What comes first on the line decides, so that it does not matter how it was cut.
 * After `bare` and `long` the line goes on: use skipLine().
 */
export function takeLine(queue: ByteQueue, limit: number): Line | undefined {
  const { bytes, start, end } = queue;
  const lf = within(bytes.indexOf(LF, queue.searched), end);
  const cr = within(bytes.indexOf(CR, queue.searched), end);
  const bareCr = cr < end - 1 && bytes[cr + 1] !== LF && cr < lf;
  const decided = bareCr ? cr + 1 : lf;
  if (decided < Math.min(end, start + limit)) {
    const isLine = !bareCr && lf > start && bytes[lf - 1] === CR;
    const line = bytes.subarray(start, isLine ? lf - 1 : bareCr ? cr : lf);
    queue.drop((bareCr ? cr : lf) + 1 - start);
    return { kind: isLine ? 'line' : 'bare', bytes: line };
  }
  if (end - start >= limit) {
    // The last octet stays: it may be the CR of the line end.
    queue.drop(limit - 1);
    return { kind: 'long', bytes: bytes.subarray(start, start + limit - 1) };
  }
  queue.searched = end > start && bytes[end - 1] === CR ? end - 1 : end;
  return undefined;
}

/** Drops up to and with the next CRLF; true when it was there. A CR at the end stays, as its LF may follow. */
export function skipLine(queue: ByteQueue): boolean {
  const { bytes, start, end } = queue;
  const at = bytes.indexOf(CRLF, start);
  if (at >= 0 && at + 1 < end) {
    queue.drop(at + 2 - start);
    return true;
  }
  queue.drop(end - start - (end > start && bytes[end - 1] === CR ? 1 : 0));
  return false;
}

/** An index found, or `end` when nothing was found before it. */
function within(index: number, end: number): number {
  return index < 0 || index >= end ? end : index;
}
