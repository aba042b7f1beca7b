/** The words of the control socket: one JSON object a line, octets as `{"$bytes": base64}`. */

/** The longest line that either side takes. */
export const LONGEST_LINE = 16_777_216;

export interface ControlRequest {
  readonly id: number;
  readonly operation: string;
  readonly input: unknown;
  /** Who asks, `cli:USER`. */
  readonly by?: string | undefined;
}

/** What an operation says when it cannot do what was asked. `kind` is for programs, the rest for people. */
export interface ControlError {
  readonly kind: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export type ControlResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ControlError };

/** One line, its end included. */
export function encodeLine(value: ControlRequest | ControlResponse): string {
  return `${JSON.stringify(bytesAsText(value))}\n`;
}

/** The value of a line, octets restored; throws a SyntaxError when it is no JSON. */
export function decodeLine(line: string): unknown {
  return JSON.parse(line, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$bytes' in value) || typeof value.$bytes !== 'string')
      return value;
    return new Uint8Array(Buffer.from(value.$bytes, 'base64'));
  });
}

function bytesAsText(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(bytesAsText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bytesAsText(inner)]));
}

/** Cuts what arrives into lines. `take` gives undefined when a line grows over `limit`. */
export class LineCutter {
  #parts: Buffer[] = [];
  #length = 0;
  readonly #limit: number;

  constructor(limit: number = LONGEST_LINE) {
    this.#limit = limit;
  }

  take(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      lines.push(Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString('utf8'));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start));
      this.#length += chunk.length - start;
    }
    return this.#length > this.#limit ? undefined : lines;
  }
}
