/**
 * Contents over the inline limit, a file each, named by the queue id. A file has its name only when all of it is
 * synced; until then it is called `<queue id>.part`. The row that refers to it is made after that, and the file is
 * dropped after the row: so what no row refers to is left over from a crash, and `sweep` removes it at the start.
 */
import { mkdirSync } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../base/fault.ts';
import { parseQueueId, queueId, type Id } from '../../base/id.ts';
import { statuses } from '../../base/status.ts';
import type { ContentStore, ContentWriter, SpoolStore } from '../../relay/spool/spool.ts';
import { FileContentWriter } from './content-writer.ts';
import { DirectorySync } from './directory-sync.ts';
import { fileFault } from './file-fault.ts';

const PIECE = 64 * 1024;
const PART = '.part';

export interface FileContentStore extends ContentStore {
  /** Removes what writers of an earlier process did not finish; returns how many. Only while nobody writes. */
  dropParts(): Promise<number>;
}

/** The store in one directory, made (0700) when it is not there. */
export function fileContentStore(directory: string): FileContentStore {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileFault(error, directory);
  }
  return new Contents(directory);
}

/** Removes contents that no entry needs, left over from a crash; returns how many. Only before anything is accepted. */
export async function sweep(store: FileContentStore, spool: Pick<SpoolStore, 'contentRefs'>): Promise<number> {
  const needed = new Set(await spool.contentRefs());
  let dropped = await store.dropParts();
  for (const ref of await store.refs()) {
    if (needed.has(ref)) continue;
    await store.drop(ref);
    dropped += 1;
  }
  return dropped;
}

class Contents implements FileContentStore {
  readonly #directory: string;
  readonly #sync: DirectorySync;

  constructor(directory: string) {
    this.#directory = directory;
    this.#sync = new DirectorySync(directory);
  }

  create(id: Id): ContentWriter {
    const ref = queueId(id);
    return new FileContentWriter(ref, join(this.#directory, ref + PART), join(this.#directory, ref), this.#sync);
  }

  async *read(ref: string): AsyncIterable<Uint8Array> {
    const path = this.#path(ref);
    const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT'
        ? new Fault(statuses['content-missing'], `${path} is gone`, error)
        : fileFault(error, path);
    });
    try {
      for (;;) {
        const piece = new Uint8Array(PIECE);
        const { bytesRead } = await file.read(piece, 0, PIECE);
        if (bytesRead === 0) return;
        yield bytesRead === PIECE ? piece : piece.subarray(0, bytesRead);
      }
    } catch (error) {
      throw fileFault(error, path);
    } finally {
      await file.close();
    }
  }

  async drop(ref: string): Promise<void> {
    await removed(this.#path(ref));
  }

  async refs(): Promise<string[]> {
    return (await this.#names()).filter(isRef);
  }

  async dropParts(): Promise<number> {
    const parts = (await this.#names()).filter((name) => name.endsWith(PART) && isRef(name.slice(0, -PART.length)));
    for (const name of parts) await removed(join(this.#directory, name));
    return parts.length;
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#directory);
    } catch (error) {
      throw fileFault(error, this.#directory);
    }
  }

  /** A ref comes from a row; still it must never lead out of the directory. */
  #path(ref: string): string {
    if (!isRef(ref)) throw new Fault(statuses['content-missing'], `"${ref}" is no content reference`);
    return join(this.#directory, ref);
  }
}

function isRef(name: string): boolean {
  const id = parseQueueId(name);
  return id !== undefined && queueId(id) === name;
}

async function removed(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileFault(error, path);
  }
}
