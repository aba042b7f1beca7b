import type { Bytes } from '../../base/bytes.ts';
import { asFault, Fault } from '../../base/fault.ts';
import type { Id } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import type { SpoolStore } from '../spool/spool.ts';

/** Contents asked for in one call. */
const BATCH = 64;

interface Slot {
  readonly entry: Id;
  readonly size: number;
  references: number;
  state: 'queued' | 'asked' | 'there';
  bytes: Bytes | undefined;
  waiters: { resolve(bytes: Bytes): void; reject(fault: Fault): void }[];
}

/**
 * Inline contents of shipments that run or come next. One call to the store is under way at a time and takes all that
 * were asked for meanwhile, so nothing waits for a batch to fill, and batches fill under load.
 */
export class Contents {
  readonly #store: Pick<SpoolStore, 'contents'>;
  readonly #slots = new Map<Id, Slot>();
  #queue: Slot[] = [];
  #asking = false;
  #octets = 0;

  constructor(store: Pick<SpoolStore, 'contents'>) {
    this.#store = store;
  }

  /** Octets of all contents that are here or on their way. */
  get octets(): number {
    return this.#octets;
  }

  /** Asks for a content ahead of its use. Each call is matched by one `release`. */
  want(entry: Id, size: number): void {
    const slot = this.#slots.get(entry);
    if (slot !== undefined) {
      slot.references++;
      return;
    }
    const fresh: Slot = { entry, size, references: 1, state: 'queued', bytes: undefined, waiters: [] };
    this.#slots.set(entry, fresh);
    this.#octets += size;
    this.#queue.push(fresh);
  }

  /** Sends the calls for what was wanted; to be called when no more `want` is to come for now. */
  flush(): void {
    if (!this.#asking && this.#queue.length > 0) void this.#ask();
  }

  /** The content of an entry that is wanted; rejects with a Fault when it is gone or cannot be read. */
  get(entry: Id): Promise<Bytes> {
    const slot = this.#slots.get(entry);
    if (slot === undefined)
      return Promise.reject(new Fault(statuses['local-error'], `content of entry ${entry} is not wanted any more`));
    if (slot.bytes !== undefined) return Promise.resolve(slot.bytes);
    return new Promise((resolve, reject) => {
      slot.waiters.push({ resolve, reject });
      if (slot.state === 'there') {
        // An earlier call failed: ask once more.
        slot.state = 'queued';
        this.#queue.push(slot);
      }
      this.flush();
    });
  }

  release(entry: Id): void {
    const slot = this.#slots.get(entry);
    if (slot === undefined || --slot.references > 0) return;
    this.#slots.delete(entry);
    this.#octets -= slot.size;
    for (const waiter of slot.waiters.splice(0))
      waiter.reject(new Fault(statuses['local-error'], `content of entry ${entry} was given up`));
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    while (this.#queue.length > 0) {
      const taken = this.#queue.splice(0, BATCH);
      const batch = taken.filter((slot) => slot.references > 0);
      if (batch.length === 0) continue;
      for (const slot of batch) slot.state = 'asked';
      let bytes: (Bytes | undefined)[] = [];
      let fault: Fault | undefined;
      try {
        bytes = await this.#store.contents(batch.map((slot) => slot.entry));
      } catch (thrown) {
        fault = asFault(thrown);
      }
      for (let i = 0; i < batch.length; i++) this.#arrived(batch[i] as Slot, bytes[i], fault);
    }
    this.#asking = false;
  }

  #arrived(slot: Slot, bytes: Bytes | undefined, fault: Fault | undefined): void {
    slot.state = 'there';
    slot.bytes = bytes;
    if (slot.waiters.length === 0) return;
    const waiters = slot.waiters;
    slot.waiters = [];
    for (const waiter of waiters) {
      if (bytes !== undefined) waiter.resolve(bytes);
      else
        waiter.reject(
          fault ?? new Fault(statuses['content-missing'], `the spool has no content of entry ${slot.entry}`),
        );
    }
  }
}
