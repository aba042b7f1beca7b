import type { Cancel, Clock, Ms } from '../../src/base/clock.ts';

/**
 * One run of the program, or of one of its threads, from its start to its end by order or by crash. Whatever was begun
 * in it ends with it: timers do not fire, and ports asked in its name answer nothing.
 */
export class Life {
  /** Of the program, from 1. */
  readonly number: number;
  readonly clock: Clock;
  /** The program's, when this is a thread's. */
  readonly whole: Life;
  readonly #clock: Clock;
  #alive = true;
  #disturbed = false;
  readonly #atEnd: (() => void)[] = [];

  constructor(number: number, clock: Clock, whole?: Life) {
    this.number = number;
    this.#clock = clock;
    this.whole = whole ?? this;
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

  /** A port call of the program failed, hung or was slow, or a thread died: what was unfinished may be done twice. */
  get disturbed(): boolean {
    return this.whole.#disturbed;
  }

  disturb(): void {
    this.whole.#disturbed = true;
  }

  /** The life of a thread, which ends with the program at the latest. */
  thread(): Life {
    const thread = new Life(this.number, this.#clock, this);
    this.atEnd(() => thread.end());
    return thread;
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
