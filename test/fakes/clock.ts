import type { Cancel, Clock, Ms } from '../../src/base/clock.ts';

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /**
   * Goes on by `span`, firing timers in order of their time (those of one time in the order they were set), each
   * followed by all promises and callbacks it set off. A timer set on the way fires too when its time falls within.
   */
  advance(span: Ms): Promise<void>;
  /** Lets what is under way settle without time passing. */
  settle(): Promise<void>;
  /** Steps the wall clock alone, as an operator or NTP does; `monotonic` and timers do not notice. */
  stepWall(by: Ms): void;
  /** How many timers wait. */
  pending(): number;
  /** Span to the earliest timer, undefined without any. */
  untilNext(): Ms | undefined;
}

interface Timer {
  readonly at: Ms;
  readonly action: () => void;
  /** Set when fired or cancelled. */
  done: boolean;
}

/** 2026-11-24 02:21:48 UTC, a time like any other, so that formatted dates in tests look like dates. */
export const FAKE_START: Ms = 1_795_486_908_000;

/** A fake clock whose wall-clock time is `start`; its monotonic time starts at 1,000,000. */
export function fakeClock(start: Ms = FAKE_START): FakeClock {
  let monotonic = 1_000_000;
  let wallOffset = start - monotonic;
  /** In order of time; equal times in order of setting. */
  const timers: Timer[] = [];
  let live = 0;

  function first(): Timer | undefined {
    while (timers[0]?.done === true) timers.shift();
    return timers[0];
  }

  async function settle(): Promise<void> {
    // Promises settle before the next macrotask; a second round lets callbacks that use a macrotask themselves follow.
    await new Promise<void>((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  return {
    now: () => monotonic + wallOffset,
    monotonic: () => monotonic,
    after(span: Ms, action: () => void): Cancel {
      if (!(span >= 0)) throw new RangeError(`after: span ${span} is not a span`);
      const timer: Timer = { at: monotonic + span, action, done: false };
      let low = 0;
      let high = timers.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((timers[middle] as Timer).at <= timer.at) low = middle + 1;
        else high = middle;
      }
      timers.splice(low, 0, timer);
      live++;
      return () => {
        if (timer.done) return;
        timer.done = true;
        live--;
      };
    },
    async advance(span: Ms): Promise<void> {
      const target = monotonic + span;
      await settle();
      for (let timer = first(); timer !== undefined && timer.at <= target; timer = first()) {
        timers.shift();
        timer.done = true;
        live--;
        monotonic = timer.at;
        timer.action();
        await settle();
      }
      monotonic = target;
    },
    settle,
    stepWall(by: Ms): void {
      wallOffset += by;
    },
    pending: () => live,
    untilNext(): Ms | undefined {
      const timer = first();
      return timer === undefined ? undefined : timer.at - monotonic;
    },
  };
}
