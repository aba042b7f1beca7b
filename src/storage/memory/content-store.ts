import { concat } from '../../base/bytes.ts';
import { Fault } from '../../base/fault.ts';
import { queueId, type Id } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import type { ContentStore, ContentWriter } from '../../relay/spool/spool.ts';

const PIECE = 64 * 1024;

/** Contents without a disk: for tests and simulations. */
export function memoryContentStore(): ContentStore {
  return new MemoryContentStore();
}

class MemoryContentStore implements ContentStore {
  readonly #contents = new Map<string, Uint8Array>();

  create(id: Id): ContentWriter {
    return new MemoryContentWriter(queueId(id), this.#contents);
  }

  async *read(ref: string): AsyncIterable<Uint8Array> {
    const bytes = this.#contents.get(ref);
    if (bytes === undefined) throw new Fault(statuses['content-missing'], `no content ${ref}`);
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.slice(at, at + PIECE);
  }

  async drop(ref: string): Promise<void> {
    this.#contents.delete(ref);
  }

  async refs(): Promise<string[]> {
    return [...this.#contents.keys()];
  }
}

class MemoryContentWriter implements ContentWriter {
  readonly #ref: string;
  readonly #contents: Map<string, Uint8Array>;
  readonly #parts: Uint8Array[] = [];
  #over = false;

  constructor(ref: string, contents: Map<string, Uint8Array>) {
    this.#ref = ref;
    this.#contents = contents;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw new Fault(statuses['storage-failed'], `content ${this.#ref} is finished or abandoned`);
    this.#parts.push(bytes);
  }

  async finish(): Promise<string> {
    if (this.#over) throw new Fault(statuses['storage-failed'], `content ${this.#ref} is finished or abandoned`);
    this.#over = true;
    this.#contents.set(this.#ref, concat(this.#parts));
    return this.#ref;
  }

  async abandon(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#parts.length = 0;
  }
}
