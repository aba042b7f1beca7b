import type { Cancel, Clock, Ms } from '../../src/base/clock.ts';

/**
 * One run of the program, from its start to its end by order or by crash. Whatever was begun in it ends with it:
 * timers do not fire, and ports asked in its name answer nothing.
 */
export class Life {
  /** From 1. */
  readonly number: number;
  readonly clock: Clock;
  /** A port call failed, hung or was slow: what is unfinished at its end may be done twice. */
  disturbed = false;
  #alive = true;
  readonly #atEnd: (() => void)[] = [];

  constructor(number: number, clock: Clock) {
    this.number = number;
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (span: Ms, action: () => void): Cancel =>
        this.#alive ? clock.after(span, () => this.#alive && action()) : () => {},
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Called once when this life ends, before anything of a next one. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action);
  }

  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const action of this.#atEnd) action();
  }
}

/** What a call is answered with in a life that is over. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}
