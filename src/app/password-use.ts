/** When passwords were last used, to the hour: so that those nobody needs are seen, and no login waits for a disk. */
import type { Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import type { PasswordStore } from '../relay/credential/store.ts';

const OFTEN: Ms = 3_600_000;
/** Passwords whose last note is remembered. */
const MOST = 10_000;

export function notesPasswordUse(
  store: Pick<PasswordStore, 'used'>,
  clock: Clock,
  trouble: (where: string, thrown: unknown) => void,
): EventSink {
  const noted = new Map<string, Ms>();
  return {
    tell(event, at = clock.now()) {
      if (event.kind !== 'authenticated' || event.password === undefined) return;
      if (at - (noted.get(event.password) ?? Number.NEGATIVE_INFINITY) < OFTEN) return;
      if (noted.size >= MOST) noted.clear();
      noted.set(event.password, at);
      try {
        store.used(event.password, at);
      } catch (error) {
        trouble('passwords', error);
      }
    },
  };
}
