/** What m4 writes: diversions by number, line by line, each line with the place it came from. */
import type { Place } from './site.ts';

/** A line of output; `place` is that of its first character. */
export interface M4Line extends Place {
  readonly text: string;
}

interface Piece {
  readonly text: string;
  readonly place: Place;
}

export class M4Output {
  /** Where text goes now; below 0 it is thrown away. */
  current = 0;
  readonly #diversions = new Map<number, Piece[]>();

  write(text: string, place: Place): void {
    if (this.current < 0 || text === '') return;
    const pieces = this.#diversions.get(this.current);
    if (pieces === undefined) this.#diversions.set(this.current, [{ text, place }]);
    else pieces.push({ text, place });
  }

  /** Moves a diversion to where text goes now; nothing when that is itself. Returns how much was moved. */
  undivert(number: number): number {
    const pieces = this.#diversions.get(number);
    if (pieces === undefined || number === this.current || number <= 0) return 0;
    this.#diversions.delete(number);
    for (const { text, place } of pieces) this.write(text, place);
    return pieces.reduce((sum, { text }) => sum + text.length + 1, 0);
  }

  /** Numbers of those that hold something, 0 not among them, ascending. */
  get waiting(): number[] {
    return [...this.#diversions.keys()].filter((number) => number > 0).toSorted((a, b) => a - b);
  }

  text(number: number): string {
    return (this.#diversions.get(number) ?? []).map(({ text }) => text).join('');
  }

  /** The lines of a diversion, without their newlines. */
  lines(number: number): M4Line[] {
    const lines: M4Line[] = [];
    let open: { text: string; place: Place } | undefined;
    for (const { text, place } of this.#diversions.get(number) ?? []) {
      let { line } = place;
      for (const [index, part] of text.split('\n').entries()) {
        if (index > 0) {
          lines.push({ text: open?.text ?? '', ...(open?.place ?? place) });
          open = undefined;
          line++;
        }
        if (part === '') continue;
        if (open === undefined) open = { text: part, place: { file: place.file, line } };
        else open.text += part;
      }
    }
    if (open !== undefined) lines.push({ text: open.text, ...open.place });
    return lines;
  }
}
