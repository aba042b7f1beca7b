/**
 * Where content ends, and which of its bytes are content. It searches and gives ranges of what it was given; it never
 * copies and never makes lines. Only CRLF.CRLF ends content (RFC 5321 §4.1.1.4), and a CR or LF that is not part of
 * CRLF is reported where it stands: others may take it for a line end, and what follows for commands of its own.
 *
 * Both readers go on from where the bytes before ended. scan() may stop early: call it again from `next`.
 */

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const END = [CR, LF, DOT, CR, LF] as const;

/** Octets looked at in one go: as text, because that searches twice as fast as bytes do. */
const WINDOW = 16 * 1024;

/**
 * What scan() found at `next`. `more`: nothing, content goes on. `end`: its end. `bare`: a CR (the octet before `next`)
 * or LF outside CRLF.
 */
export type ContentOutcome = 'more' | 'end' | 'bare';

/** How much of CRLF.CRLF stands before the next octet. Content starts as if after a CRLF: a lone dot is empty content. */
type Matched = 0 | 1 | 2 | 3 | 4;

/** Content of DATA: takes away the dot that a client puts before a dot (RFC 5321 §4.5.2). */
export class DotReader {
  /** The range of content that scan() found; empty when `from` = `to`. */
  from = 0;
  to = 0;
  /** Where to scan on. */
  next = 0;
  #matched: Matched = 2;
  #discarding = false;
  // The window of the bytes being scanned, so that content with many dots is not made text anew at each.
  #text = '';
  #textOf: Uint8Array | undefined;
  #textAt = 0;

  /** Gives no more ranges and no `bare`, and only looks for the end. */
  discard(): void {
    this.#discarding = true;
  }

  /** Looks at `bytes[start..end)`, at least one octet. */
  scan(bytes: Buffer, start: number, end: number): ContentOutcome {
    this.from = start;
    this.to = start;
    if (this.#discarding) return this.#discard(bytes, start, end);
    if (this.#matched !== 0) return this.#seam(bytes, start, end);
    return this.#walk(bytes, start, end);
  }

  /** One octet where the last scan ended in the middle of a line end. */
  #seam(bytes: Buffer, at: number, end: number): ContentOutcome {
    const octet = bytes[at]!;
    const matched = this.#matched;
    const expected = octet === END[matched];
    if (matched === 1 || matched === 4) {
      // a CR came
      this.next = at;
      this.#matched = 0;
      if (!expected) return 'bare';
      this.next = at + 1;
      if (matched === 4) return 'end';
      this.to = at + 1;
      this.#matched = 2;
      return 'more';
    }
    if (!expected) {
      // an ordinary line starts, or goes on behind a dot that is dropped
      this.#matched = 0;
      return this.#walk(bytes, at, end);
    }
    this.next = at + 1;
    this.#matched = matched === 2 ? 3 : 4;
    return 'more';
  }

  /** From within a line. */
  #walk(bytes: Buffer, start: number, end: number): ContentOutcome {
    const text = this.#window(bytes, start, end);
    const base = this.#textAt;
    const { length } = text;
    this.from = start;
    let at = start - base;
    for (;;) {
      const lf = text.indexOf('\n', at);
      const cr = text.indexOf('\r', at);
      if (cr < 0 || lf < 0 || cr !== lf - 1) return this.#irregular(base, length, cr, lf);
      at = lf + 1;
      if (at === length) return this.#stop(base + at, base + at, 2);
      if (text.charCodeAt(at) === DOT) {
        const [third, fourth] = [text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
        if (at + 1 === length) return this.#stop(base + at, base + length, 3);
        if (third !== CR) return this.#stop(base + at, base + at + 1, 0);
        if (at + 2 === length) return this.#stop(base + at, base + length, 4);
        this.#stop(base + at, base + at + (fourth === LF ? 3 : 2), 0);
        return fourth === LF ? 'end' : 'bare';
      }
    }
  }

  /** No CRLF comes next in the window: `cr` and `lf` are the first of each, -1 for none. */
  #irregular(base: number, length: number, cr: number, lf: number): ContentOutcome {
    if (cr < 0 && lf < 0) return this.#stop(base + length, base + length, 0);
    if (lf < 0 && cr === length - 1) return this.#stop(base + length, base + length, 1);
    if (cr >= 0 && (lf < 0 || cr < lf)) this.#stop(base + cr + 1, base + cr + 1, 0);
    else this.#stop(base + lf, base + lf + 1, 0);
    return 'bare';
  }

  #stop(to: number, next: number, matched: Matched): ContentOutcome {
    this.to = to;
    this.next = next;
    this.#matched = matched;
    return 'more';
  }

  #window(bytes: Buffer, start: number, end: number): string {
    if (this.#textOf !== bytes || start < this.#textAt || start >= this.#textAt + this.#text.length) {
      this.#text = bytes.toString('latin1', start, Math.min(end, start + WINDOW));
      this.#textOf = bytes;
      this.#textAt = start;
    }
    return this.#text;
  }

  #discard(bytes: Buffer, start: number, end: number): ContentOutcome {
    let at = start;
    let matched: number = this.#matched;
    while (at < end && matched < END.length) {
      if (matched === 0) {
        const cr = bytes.indexOf(CR, at);
        if (cr < 0 || cr >= end) break;
        at = cr + 1;
        matched = 1;
        continue;
      }
      const octet = bytes[at++];
      matched = octet === END[matched] ? matched + 1 : octet === CR ? 1 : 0;
    }
    this.next = matched === END.length ? at : matched === 0 ? end : at;
    this.#matched = matched === END.length ? 0 : (matched as Matched);
    return matched === END.length ? 'end' : 'more';
  }
}

/** Content of BDAT (RFC 3030): all octets count; whether line ends are CRLF is looked at unless it is BINARYMIME. */
export class ChunkReader {
  from = 0;
  to = 0;
  next = 0;
  readonly #binary: boolean;
  #afterCr = false;

  constructor(binary: boolean) {
    this.#binary = binary;
  }

  /** Whether the last octet was a CR whose LF has not come. */
  get open(): boolean {
    return this.#afterCr;
  }

  /** Looks at `bytes[start..end)`, at least one octet. */
  scan(bytes: Buffer, start: number, end: number): ContentOutcome {
    this.from = start;
    this.to = end;
    this.next = end;
    if (this.#binary) return 'more';
    let at = start;
    if (this.#afterCr) {
      this.#afterCr = false;
      if (bytes[at] !== LF) return this.#stop(at, at);
      at++;
    }
    this.next = Math.min(end, at + WINDOW);
    this.to = this.next;
    const text = bytes.toString('latin1', at, this.next);
    let position = 0;
    for (;;) {
      const lf = text.indexOf('\n', position);
      const cr = text.indexOf('\r', position);
      if (cr >= 0 && cr === lf - 1) {
        position = lf + 1;
        continue;
      }
      if (cr < 0 && lf < 0) return 'more';
      if (lf < 0 && cr === text.length - 1) {
        this.#afterCr = true;
        return 'more';
      }
      if (cr >= 0 && (lf < 0 || cr < lf)) return this.#stop(at + cr + 1, at + cr + 1);
      return this.#stop(at + lf, at + lf + 1);
    }
  }

  #stop(to: number, next: number): ContentOutcome {
    this.to = to;
    this.next = next;
    return 'bare';
  }
}
