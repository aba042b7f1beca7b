/**
 * Replies of a server, read from bytes that are cut anywhere (RFC 5321 §4.2). It holds at most one reply and what
 * came behind it within the limits below; it decides nothing about what a reply means.
 */
import { fromUtf8, latin1 } from '../../base/bytes.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Reply } from './reply.ts';

/** Octets of a line with CRLF. RFC 5321 §4.5.3.1.5 says 512; more is met, so more is taken. */
export const REPLY_LINE = 4096;
/** Lines of one reply. */
export const REPLY_LINES = 512;

/** Octets of all lines of one reply, without line ends, when the caller does not say. */
const REPLY_SIZE = 256 * 1024;

/** Why what the server sent is no reply; after it the conversation cannot go on. `detail` says it for a log. */
export interface ReplyFault {
  readonly kind: 'line-too-long' | 'too-many-lines' | 'reply-too-long' | 'bare-line-end' | 'no-reply';
  readonly detail: string;
}

export class ReplyParser {
  readonly #queue = new ByteQueue();
  readonly #limit: number;
  #lines: string[] = [];
  #size = 0;
  #fault: ReplyFault | undefined;

  /** `limit`: octets of all lines of one reply. */
  constructor(limit: number = REPLY_SIZE) {
    this.#limit = limit;
  }

  /** What is wrong, once something is; then next() gives nothing any more. */
  get fault(): ReplyFault | undefined {
    return this.#fault;
  }

  /** Octets that came and belong to no reply given out yet. Not 0 where all should be answered: the server talks out of turn. */
  get pending(): number {
    return this.#queue.length + this.#lines.length;
  }

  receive(bytes: Uint8Array): void {
    if (this.#fault === undefined) this.#queue.push(bytes);
  }

  /** Throws away all that came and was not given out: for the moment at which TLS is up (RFC 3207 §4.2). */
  clear(): void {
    this.#queue.clear();
    this.#lines = [];
    this.#size = 0;
  }

  /**
   * The next whole reply; undefined when it is not there yet, or there is a fault. Code and enhanced code are those of
   * the last line: the lines before it are text (RFC 5321 §4.2.1). An enhanced code is split off each line it stands on.
   */
  next(): Reply | undefined {
    while (this.#fault === undefined) {
      const line = this.#line();
      if (line === undefined) return undefined;
      const match = /^[2-5]\d\d(?:([ -])|$)/.exec(line);
      if (match === null) return this.#fail('no-reply', `no reply: ${shown(line)}`);
      this.#lines.push(line);
      this.#size += line.length;
      if (this.#size > this.#limit) return this.#fail('reply-too-long', `a reply has more than ${this.#limit} octets`);
      if (match[1] === '-') {
        if (this.#lines.length >= REPLY_LINES)
          return this.#fail('too-many-lines', `a reply has more than ${REPLY_LINES} lines`);
        continue;
      }
      const reply = assemble(this.#lines);
      this.#lines = [];
      this.#size = 0;
      return reply;
    }
    return undefined;
  }

  #line(): string | undefined {
    const queue = this.#queue;
    const end = queue.bytes.subarray(0, Math.min(queue.end, queue.start + REPLY_LINE)).indexOf(0x0a, queue.searched);
    if (end < 0) {
      if (queue.length >= REPLY_LINE) return this.#fail('line-too-long', `a line has more than ${REPLY_LINE} octets`);
      queue.searched = queue.end;
      queue.keep();
      return undefined;
    }
    const bytes = queue.bytes.subarray(queue.start, end - 1);
    if (end === queue.start || queue.bytes[end - 1] !== 0x0d || bytes.includes(0x0d)) {
      return this.#fail(
        'bare-line-end',
        `a line that does not end in CR LF: ${shown(latin1(queue.bytes.subarray(queue.start, end)))}`,
      );
    }
    const line = fromUtf8(bytes) ?? latin1(bytes);
    queue.drop(end + 1 - queue.start);
    return line;
  }

  #fail(kind: ReplyFault['kind'], detail: string): undefined {
    this.#fault = { kind, detail };
    this.clear();
    return undefined;
  }
}

function assemble(lines: readonly string[]): Reply {
  const last = lines.at(-1)!;
  const code = Number(last.slice(0, 3));
  const enhanced = enhancedCode(last);
  return { code, enhanced, lines: lines.map(textOf) };
}

/** The enhanced code on a line (RFC 2034 §4): it has the reply code's class, and an end of line or blank behind it. */
function enhancedCode(line: string): string | undefined {
  const code = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/.exec(line.slice(4))?.[0];
  return code !== undefined && code[0] === line[0] ? code : undefined;
}

function textOf(line: string): string {
  const enhanced = enhancedCode(line);
  return line.slice(enhanced === undefined ? 4 : 5 + enhanced.length);
}

function shown(text: string): string {
  // oxlint-disable-next-line no-control-regex -- what a peer sent goes to a log, cleaned and short
  return JSON.stringify(text.slice(0, 80).replace(/[\u0000-\u001f\u007f]/g, '?'));
}
