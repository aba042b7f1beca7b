/** The base scenario once for each call of the storage, with something happening at that call. */
import { Worker } from 'node:worker_threads';
import type { People } from './people.ts';
import { basePlan } from './scenario.ts';
import type { Fate, PortCall } from './storage.ts';
import { runWorld, World } from './world.ts';

/** `restart` and `withdraw`: in good order, and the holder who submits most is withdrawn. */
export const happenings = ['crash before', 'crash after', 'restart', 'withdraw'] as const;

export type Happening = (typeof happenings)[number];

export interface Swept {
  readonly happening: Happening;
  /** How many worlds were run. */
  readonly worlds: number;
  readonly found: readonly string[];
}

const WELL: Fate = { kind: 'well' };

/** Calls that leave what is on disk as it was: to crash before their effect and after it is the same. */
const READS: ReadonlySet<string> = new Set([
  'due',
  'nextDue',
  'contents',
  'contentRefs',
  'lastId',
  'content.read',
  'content.refs',
]);

/**
 * All sweeps, in one thread of their own: node:test watches every promise of the thread it runs in, which costs half of
 * a world's time again; and threads that are new are slow.
 */
export function sweepApart(): Promise<readonly Swept[]> {
  return new Promise((resolve, reject) => {
    // No flags: those of the test runner are not meant for it.
    const thread = new Worker(new URL('sweep-thread.ts', import.meta.url), { execArgv: [] });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread that sweeps ended with ${code} and no result`)));
  });
}

/** Runs the worlds of `happening`, and tells what is wrong in them. */
export async function sweep(happening: Happening, people: People): Promise<Swept> {
  const plan = basePlan(people);
  const chosen = (await callsOf(people)).filter(({ name }) => isWorth(happening, name));
  const found: string[] = [];
  for (const { name, number } of chosen) {
    const fate = (call: PortCall, world: World): Fate =>
      call.number === number ? happens(happening, world, people) : WELL;
    const world = await runWorld({ ...plan, fate }, people);
    for (const violation of world.witness.violations) found.push(`${happening} call ${number}, ${name}: ${violation}`);
  }
  return { happening, worlds: chosen.length, found };
}

/** The calls that the base scenario makes. */
export async function callsOf(people: People): Promise<readonly PortCall[]> {
  const made: PortCall[] = [];
  const world = new World({ ...basePlan(people), fate: (call) => (made.push(call), WELL) }, people);
  await world.run();
  return made;
}

function isWorth(happening: Happening, name: string): boolean {
  if (happening === 'crash before') return true;
  return happening === 'withdraw' ? name === 'accept' || name.startsWith('content.') : !READS.has(name);
}

function happens(happening: Happening, world: World, people: People): Fate {
  if (happening === 'crash before') return { kind: 'crash', when: 'before' };
  if (happening === 'crash after') return { kind: 'crash', when: 'after' };
  world.act(happening === 'restart' ? { kind: 'restart' } : { kind: 'withdraw', holder: people.alice.record });
  return WELL;
}
