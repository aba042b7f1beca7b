const LINE_DOT = Buffer.from('\r\n.');
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** Where the content stands between two pieces: within a line, after a CR, or at the start of a line. */
type Tail = 'within' | 'cr' | 'start';

/**
 * Doubles the dot at the start of lines (RFC 5321 §4.5.2), over pieces cut anywhere. Only CR LF starts a line.
 * Content without such a dot passes as it came, uncopied.
 */
export class DotStuffer {
  #tail: Tail = 'start';

  /** The piece as it goes over the wire. */
  write(piece: Uint8Array): Uint8Array {
    if (piece.length === 0) return piece;
    const buffer = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const first = this.#firstDot(piece);
    const next = buffer.indexOf(LINE_DOT);
    this.#tail = tailOf(piece, this.#tail);
    if (first < 0 && next < 0) return piece;

    const dots: number[] = first < 0 ? [] : [first];
    for (let at = next; at >= 0; at = buffer.indexOf(LINE_DOT, at + 3)) dots.push(at + 2);
    const stuffed = new Uint8Array(piece.length + dots.length);
    let from = 0;
    let to = 0;
    for (const dot of dots) {
      stuffed.set(piece.subarray(from, dot), to);
      to += dot - from;
      stuffed[to++] = DOT;
      from = dot;
    }
    stuffed.set(piece.subarray(from), to);
    return stuffed;
  }

  /** What ends the content: the lone dot, after a line end if the content has none at its own end. */
  end(): string {
    return this.#tail === 'start' ? '.\r\n' : '\r\n.\r\n';
  }

  /** A dot that starts a line because of what the piece before ended with; -1 when there is none. */
  #firstDot(piece: Uint8Array): number {
    if (this.#tail === 'start' && piece[0] === DOT) return 0;
    if (this.#tail === 'cr' && piece[0] === LF && piece[1] === DOT) return 1;
    return -1;
  }
}

function tailOf(piece: Uint8Array, before: Tail): Tail {
  const last = piece[piece.length - 1];
  if (last === CR) return 'cr';
  if (last !== LF) return 'within';
  const isLine = piece.length > 1 ? piece[piece.length - 2] === CR : before === 'cr';
  return isLine ? 'start' : 'within';
}
