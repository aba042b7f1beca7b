import type { Ms } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { ScheduleSettings } from './settings.ts';

/** A destination that cannot be reached is asked again after this, at first. */
const FIRST_PROBE: Ms = 60_000;

/**
 * When a recipient is to be tried again: `firstRetry` after the first attempt, twice that after the second and so on,
 * at most `longestRetry`, each moved by up to ±`jitter` of itself, so that mail deferred together does not come back
 * together (RFC 5321 §4.5.4.1). `attempts` counts the one just made.
 */
export function retryAt(
  attempts: number,
  now: Ms,
  settings: Pick<ScheduleSettings, 'firstRetry' | 'longestRetry' | 'jitter'>,
  random: Random,
): Ms {
  const wait = Math.min(settings.firstRetry * 2 ** Math.max(0, attempts - 1), settings.longestRetry);
  return now + spread(wait, settings.jitter, random);
}

/** How long a destination is left alone after `failures` failed connections in a row: about a minute, then twice that and so on, but never longer than about `firstRetry`. */
export function probeAfter(
  failures: number,
  settings: Pick<ScheduleSettings, 'firstRetry' | 'jitter'>,
  random: Random,
): Ms {
  return spread(Math.min(FIRST_PROBE * 2 ** (failures - 1), settings.firstRetry), settings.jitter, random);
}

/** A span moved by up to ±`jitter` of itself; at least 1 ms. */
function spread(span: Ms, jitter: number, random: Random): Ms {
  return Math.max(1, Math.round(span * (1 + jitter * (2 * random.fraction() - 1))));
}
