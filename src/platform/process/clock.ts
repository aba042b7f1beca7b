import type { Cancel, Clock, Ms } from '../../base/clock.ts';

/** setTimeout takes at most this; more would fire at once. */
const LONGEST = 2_147_483_647;

/** The machine's time. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => Math.floor(performance.now()),
    after,
  };
}

function after(span: Ms, action: () => void): Cancel {
  if (span <= LONGEST) {
    const timer = setTimeout(action, span);
    timer.unref();
    return () => clearTimeout(timer);
  }
  let cancel: Cancel = after(LONGEST, () => {
    cancel = after(span - LONGEST, action);
  });
  return () => cancel();
}
