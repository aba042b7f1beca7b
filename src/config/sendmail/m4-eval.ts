/** The arithmetic of m4's `eval`: 32-bit integers, C's operators and `**`, as GNU m4 has them. */

/** Undefined: no expression, or one without value (a division by zero). */
export function evaluate(text: string): number | undefined {
  const reader = new Reader(text);
  try {
    const value = reader.level(0);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

/** A number in radix 1 to 36, with at least `width` digits. */
export function inRadix(value: number, radix: number, width: number): string {
  const digits = radix === 1 ? '1'.repeat(Math.min(Math.abs(value), 100_000)) : Math.abs(value).toString(radix);
  return (value < 0 ? '-' : '') + digits.padStart(Math.min(width, 100_000), '0');
}

class NoValue extends Error {}

/** How deep parentheses and signs may be nested. */
const DEEPEST = 200;

type Operation = (a: number, b: number) => number;

/** Binary operators, those that bind loosest first; longer ones before those they begin with. */
const levels: readonly (readonly (readonly [operator: string, operation: Operation])[])[] = [
  [['||', (a, b) => (a !== 0 || b !== 0 ? 1 : 0)]],
  [['&&', (a, b) => (a !== 0 && b !== 0 ? 1 : 0)]],
  [['|', (a, b) => a | b]],
  [['^', (a, b) => a ^ b]],
  [['&', (a, b) => a & b]],
  [
    ['==', (a, b) => Number(a === b)],
    ['!=', (a, b) => Number(a !== b)],
    ['=', (a, b) => Number(a === b)],
  ],
  [
    ['>=', (a, b) => Number(a >= b)],
    ['<=', (a, b) => Number(a <= b)],
    ['>', (a, b) => Number(a > b)],
    ['<', (a, b) => Number(a < b)],
  ],
  [
    ['<<', (a, b) => a << (b & 31)],
    ['>>', (a, b) => a >> (b & 31)],
  ],
  [
    ['+', (a, b) => (a + b) | 0],
    ['-', (a, b) => (a - b) | 0],
  ],
  [
    ['*', (a, b) => Math.imul(a, b)],
    ['/', (a, b) => (nonZero(b), a / b) | 0],
    ['%', (a, b) => (nonZero(b), a % b) | 0],
  ],
];

/** What must not follow an operator for it to be that one. */
const longer: Readonly<Record<string, string>> = { '|': '|', '&': '&', '>': '>', '<': '<', '*': '*', '!': '=' };

function nonZero(value: number): void {
  if (value === 0) throw new NoValue();
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#blanks();
    if (this.#at < this.#text.length) throw new NoValue();
  }

  level(index: number): number {
    const operators = levels[index];
    if (operators === undefined) return this.#power();
    let value = this.level(index + 1);
    for (;;) {
      const found = operators.find(([operator]) => this.#takes(operator));
      if (found === undefined) return value;
      value = found[1](value, this.level(index + 1));
    }
  }

  /** `**` binds to the right and before the signs on its left: -2**2 is 4 in GNU m4. */
  #power(): number {
    const base = this.#unary();
    if (!this.#takes('**')) return base;
    const exponent = this.#deeper(() => this.#power());
    if (exponent < 0 || (base === 0 && exponent === 0)) throw new NoValue();
    let result = 1;
    let square = base;
    for (let rest = exponent; rest > 0; rest >>>= 1) {
      if (rest & 1) result = Math.imul(result, square);
      square = Math.imul(square, square);
    }
    return result;
  }

  #unary(): number {
    if (this.#takes('+')) return this.#deeper(() => this.#unary());
    if (this.#takes('-')) return -this.#deeper(() => this.#unary()) | 0;
    if (this.#takes('~')) return ~this.#deeper(() => this.#unary());
    if (this.#takes('!')) return Number(this.#deeper(() => this.#unary()) === 0);
    if (!this.#takes('(')) return this.#number();
    const value = this.#deeper(() => this.level(0));
    if (!this.#takes(')')) throw new NoValue();
    return value;
  }

  #deeper(read: () => number): number {
    if (++this.#depth > DEEPEST) throw new NoValue();
    const value = read();
    this.#depth--;
    return value;
  }

  #number(): number {
    this.#blanks();
    const [word = '', radixText, radixDigits] =
      /^(?:0r(\d+):([0-9a-z]+)|0x[0-9a-f]+|0b[01]+|\d+)/i.exec(this.#text.slice(this.#at, this.#at + 80)) ?? [];
    if (word === '') throw new NoValue();
    this.#at += word.length;
    if (radixText !== undefined) return whole(radixDigits ?? '', Number(radixText));
    if (/^0x/i.test(word)) return whole(word.slice(2), 16);
    if (/^0b/i.test(word)) return whole(word.slice(2), 2);
    return whole(word, word.startsWith('0') ? 8 : 10);
  }

  #takes(operator: string): boolean {
    this.#blanks();
    if (!this.#text.startsWith(operator, this.#at)) return false;
    const next = this.#text[this.#at + operator.length];
    if (next !== undefined && longer[operator] === next) return false;
    this.#at += operator.length;
    return true;
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}

function whole(digits: string, radix: number): number {
  let value = 0;
  for (const digit of digits.toLowerCase()) {
    const worth = radix === 1 ? 1 : Number.parseInt(digit, 36);
    if (radix < 1 || radix > 36 || (radix > 1 && worth >= radix)) throw new NoValue();
    value = (Math.imul(value, radix) + worth) | 0;
  }
  return value;
}
