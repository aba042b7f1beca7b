import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import type { ContentWriter } from '../../relay/spool/spool.ts';
import type { DirectorySync } from './directory-sync.ts';
import { fileFault } from './file-fault.ts';

/** So much may wait in memory before write() waits too, octets. */
const WAITING = 256 * 1024;

/** Writes one content: pieces that come while a write runs go out together in the next. */
export class FileContentWriter implements ContentWriter {
  readonly #ref: string;
  readonly #part: string;
  readonly #path: string;
  readonly #sync: DirectorySync;
  #waiting: Uint8Array[] = [];
  #size = 0;
  #file: FileHandle | undefined;
  #made = false;
  #failure: Fault | undefined;
  /** Fulfilled when nothing waits to be written; rejected for good by the first error. */
  #drained: Promise<void> = Promise.resolve();
  #draining = false;
  #over = false;

  constructor(ref: string, part: string, path: string, sync: DirectorySync) {
    this.#ref = ref;
    this.#part = part;
    this.#path = path;
    this.#sync = sync;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    if (bytes.length > 0) {
      this.#waiting.push(bytes);
      this.#size += bytes.length;
    }
    this.#drain();
    if (this.#size > WAITING) await this.#drained;
  }

  async finish(): Promise<string> {
    this.#check();
    this.#over = true;
    this.#drain();
    try {
      await this.#drained;
      await this.#file?.datasync();
      await this.#close();
      await rename(this.#part, this.#path);
      await this.#sync.sync();
    } catch (error) {
      await this.#discard();
      throw fileFault(error, this.#path);
    }
    return this.#ref;
  }

  async abandon(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = [];
    await this.#drained.catch(() => undefined); // told already to whoever wrote
    await this.#discard();
  }

  #check(): void {
    if (this.#over) throw new Fault(statuses['storage-failed'], `content ${this.#ref} is finished or abandoned`);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#drained = this.#drained.then(() => this.#writeAll());
    this.#drained.catch(() => undefined); // the next write() or finish() tells it
  }

  async #writeAll(): Promise<void> {
    try {
      this.#file ??= await open(this.#part, 'wx', 0o600);
      this.#made = true;
      while (this.#waiting.length > 0) {
        const pieces = this.#waiting;
        this.#waiting = [];
        await writeFully(this.#file, pieces);
        for (const piece of pieces) this.#size -= piece.length;
      }
      this.#draining = false;
    } catch (error) {
      this.#failure = fileFault(error, this.#path);
      await this.#discard();
      throw this.#failure;
    }
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Takes the unfinished file away; the first error is what counts, so a second one here is not told. */
  async #discard(): Promise<void> {
    this.#waiting = [];
    await this.#close().catch(() => undefined);
    if (this.#made) await unlink(this.#part).catch(() => undefined);
  }
}

/** Writes all pieces in order; a short write (the disk is filling up) is gone on with, and the next one says why. */
async function writeFully(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let left: readonly Uint8Array[] = pieces;
  while (left.length > 0) left = rest(left, (await file.writev(left)).bytesWritten);
}

/** What remains of the pieces when so many octets are written. */
export function rest(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let at = written;
  for (const [index, piece] of pieces.entries()) {
    if (at < piece.length) return [piece.subarray(at), ...pieces.slice(index + 1)];
    at -= piece.length;
  }
  return [];
}
