import type { Ms } from '../../src/base/clock.ts';
import { Fault } from '../../src/base/fault.ts';
import { statuses, type StatusKey } from '../../src/base/status.ts';
import type { FileContentStore } from '../../src/platform/files/content-store.ts';
import type { ContentStore, SpoolStore } from '../../src/relay/spool/spool.ts';
import { memoryContentStore } from '../../src/storage/memory/content-store.ts';
import { memorySpool } from '../../src/storage/memory/spool.ts';
import type { FakeClock } from '../fakes/clock.ts';
import { never, type Life } from './life.ts';

/** A call of a storage port, as it is about to be made. */
export interface PortCall {
  /** From 1, over all lives. */
  readonly number: number;
  /** `accept`, `settle`, `content.write`… */
  readonly name: string;
  /** Number of the life. */
  readonly life: number;
}

/** What becomes of a call. `before` and `after` are about its effect; the answer comes later still. */
export type Fate =
  | { readonly kind: 'well' }
  | { readonly kind: 'crash' | 'hang'; readonly when: 'before' | 'after' }
  | { readonly kind: 'refuse'; readonly when: 'before' | 'after'; readonly status: StatusKey }
  | { readonly kind: 'slow'; readonly span: Ms };

export interface StorageOptions {
  readonly clock: FakeClock;
  readonly fate: (call: PortCall) => Fate;
  /** How long a call takes to have its effect, and again to be answered. */
  readonly latency: () => Ms;
  /** Told of a call before it is made. */
  readonly told: (call: PortCall, fate: Fate) => void;
  /** A call has the fate to crash the program whose life this is, or hangs for ever. */
  readonly stuck: (life: Life, kind: 'crash' | 'hang') => void;
  /** The spool's signal. */
  readonly ring: (lanes: ReadonlySet<number>) => void;
}

export interface StoragePorts {
  readonly store: SpoolStore;
  readonly contents: FileContentStore;
}

type Call = <T>(name: string, effect: () => Promise<T>) => Promise<T>;

/** What survives crashes: a spool and contents, reached in the name of a life through ports that may fail. */
export class Storage {
  /** As they are on disk; asked by the simulation itself. */
  readonly spool: SpoolStore;
  readonly contents: ContentStore;
  readonly #options: StorageOptions;
  #calls = 0;

  constructor(options: StorageOptions) {
    this.#options = options;
    this.spool = memorySpool({ clock: options.clock, signal: { ring: options.ring } });
    this.contents = memoryContentStore();
  }

  /** Port calls so far. */
  get calls(): number {
    return this.#calls;
  }

  ports(life: Life): StoragePorts {
    const { contents } = this;
    const call: Call = (name, effect) => this.#call(life, name, effect);
    const store = new Proxy(this.spool, {
      get(spool, name: keyof SpoolStore) {
        const method = spool[name] as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => call(name, () => Reflect.apply(method, spool, args));
      },
    });
    return {
      store,
      contents: {
        create(id) {
          const writer = contents.create(id);
          return {
            write: (bytes) => call('content.write', () => writer.write(bytes)),
            finish: () => call('content.finish', () => writer.finish()),
            abandon: () => call('content.abandon', () => writer.abandon()),
          };
        },
        read: (ref) => pieces(contents, ref, call),
        drop: (ref) => call('content.drop', () => contents.drop(ref)),
        refs: () => call('content.refs', () => contents.refs()),
        // What writers did not finish is not kept in the first place.
        dropParts: () => Promise.resolve(0),
      },
    };
  }

  async #call<T>(life: Life, name: string, effect: () => Promise<T>): Promise<T> {
    if (!life.alive) return never();
    const { fate, latency, told } = this.#options;
    const call: PortCall = { number: ++this.#calls, name, life: life.number };
    const fated = fate(call);
    told(call, fated);
    if (fated.kind !== 'well') life.disturb();
    // A call that was made is carried out even when its thread dies: the spool has a thread of its own.
    await this.#pass(life.whole, latency() + (fated.kind === 'slow' ? fated.span : 0));
    if (isAt(fated, 'before')) return this.#mishap(fated, life);
    const result = await effect();
    if (isAt(fated, 'after')) return this.#mishap(fated, life);
    await this.#pass(life, latency());
    return result;
  }

  #mishap<T>(fate: Fate, life: Life): Promise<T> {
    if (fate.kind === 'refuse') throw new Fault(statuses[fate.status], 'the disk says no');
    if (fate.kind === 'crash' || fate.kind === 'hang') this.#options.stuck(life.whole, fate.kind);
    return never();
  }

  /** Time goes by; in a life that ended meanwhile it never does. */
  #pass(life: Life, span: Ms): Promise<void> {
    if (!life.alive) return never();
    if (span === 0) return Promise.resolve();
    return new Promise((resolve) => life.clock.after(span, resolve));
  }
}

function isAt(fate: Fate, when: 'before' | 'after'): boolean {
  return fate.kind !== 'well' && fate.kind !== 'slow' && fate.when === when;
}

async function* pieces(contents: ContentStore, ref: string, call: Call): AsyncIterable<Uint8Array> {
  const reading = contents.read(ref)[Symbol.asyncIterator]();
  for (;;) {
    const step = await call('content.read', () => reading.next());
    if (step.done === true) return;
    yield step.value;
  }
}
