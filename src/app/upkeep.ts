/**
 * What the running relay does by itself from time to time. Each task is one line of the table below; one that fails is
 * told as trouble, does not stop the others, and is tried again at its next time.
 *
 * Tasks are due by the wall clock: a machine that slept, or a relay that was stopped, catches up once and not for each
 * time it missed. A task therefore looks at what is to be done now, and does nothing when it was done already.
 */
import { join } from 'node:path';
import type { AdminContext } from '../admin/context.ts';
import { renewCrl } from '../admin/certificates.ts';
import { remind, tellAuditHead, type Notices } from '../admin/reminders.ts';
import { endOverlaps } from '../admin/renewal.ts';
import { keepServerCertificate } from '../admin/server-certificate.ts';
import type { Cancel, Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import { asFault } from '../base/fault.ts';
import { SIGNING_TIME } from '../ca/issuance.ts';
import { authorityFiles } from '../ca/setup.ts';
import { fileAge } from './stamp.ts';

export interface Task {
  /** For the log, when it fails. */
  readonly name: string;
  /** Time from one run to the next. */
  readonly every: Ms;
  run(context: UpkeepContext): Promise<unknown>;
}

/** What tasks work on: the relay itself is who acts. */
export interface UpkeepContext extends AdminContext {
  readonly notices: Notices;
}

const MINUTE: Ms = 60_000;
const HOUR: Ms = 3_600_000;
/** A CRL lives thirty days: whoever reads it has weeks to notice that it is not renewed any more. */
const CRL_AGE: Ms = 7 * 24 * HOUR;

export const tasks: readonly Task[] = [
  {
    name: 'history',
    every: HOUR,
    run: ({ spool, clock, config }) => spool.forget(clock.now() - config.spool.history),
  },
  {
    name: 'server certificate',
    every: HOUR,
    run: keepServerCertificate,
  },
  {
    name: 'end of overlaps',
    every: 5 * MINUTE,
    run: endOverlaps,
  },
  {
    name: 'CRL',
    every: HOUR,
    async run(context) {
      const now = context.clock.now();
      const givenUp = context.ledger.abandon(now - SIGNING_TIME, now, context.actor);
      const lists = [authorityFiles.crl, authorityFiles.plainCrl];
      const isOld = lists.some((path) => fileAge(join(context.directory, path)) > CRL_AGE);
      if (context.config.tls.ownAuthority && (isOld || givenUp.length > 0)) await renewCrl(context);
    },
  },
  {
    name: 'reminders',
    every: HOUR,
    run: (context) => remind(context, context.notices),
  },
  {
    name: 'head of the issuance log',
    every: HOUR,
    run: (context) => tellAuditHead(context, context.notices),
  },
  {
    name: 'old tokens',
    every: 24 * HOUR,
    // Long enough for "token list --all" to answer whose it was; the issuance log keeps it for ever.
    run: async ({ enrolments, clock }) => enrolments.forget(clock.now() - 90 * 24 * HOUR),
  },
  {
    name: 'old ACME orders',
    every: 24 * HOUR,
    run: async ({ acme, clock }) => acme.forget(clock.now() - 30 * 24 * HOUR),
  },
];

export interface UpkeepParts {
  readonly tasks: readonly Task[];
  /** As it is now: the configuration may be read again. */
  readonly context: () => UpkeepContext;
  readonly clock: Clock;
  readonly events: EventSink;
}

export interface Upkeep {
  /** Starts nothing more; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/** Between two looks at what is due: a clock that was set, or a machine that slept, is noticed within this time. */
const LOOK: Ms = 30_000;

/** Runs every task now, and then as often as it says; one after the other. */
export function startUpkeep({ tasks, context, clock, events }: UpkeepParts): Upkeep {
  const lastRun = new Map<Task, Ms>();
  let stopping = false;
  let cancel: Cancel = () => {};
  let running = round();

  function isDue(task: Task): boolean {
    const last = lastRun.get(task);
    const now = clock.now();
    // A last run in the future: the clock was set back since.
    return last === undefined || now - last >= task.every || now < last;
  }

  function again(): void {
    running = round();
  }

  async function round(): Promise<void> {
    for (const task of tasks) {
      if (stopping) return;
      if (!isDue(task)) continue;
      lastRun.set(task, clock.now());
      try {
        await task.run(context());
      } catch (error) {
        events.tell({ kind: 'trouble', where: `upkeep: ${task.name}`, detail: asFault(error).detail });
      }
    }
    if (!stopping) cancel = clock.after(LOOK, again);
  }

  return {
    async stop() {
      stopping = true;
      cancel();
      await running;
    },
  };
}
