/** Nothing; and what a queue holds when it is empty, so that it keeps no memory of the peer's. */
const EMPTY = Buffer.alloc(0);
const SMALLEST = 512;

/**
 * Bytes that came and were not yet used. It starts as a view of what the caller handed over and copies only what is
 * left when the caller may take its memory back: `keep()` before giving control away. A peer that sends single bytes
 * costs no more than one copy of each, because room is doubled.
 */
export class ByteQueue {
  /** The memory; only `bytes[start..end)` is content. Read it, never write. */
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  /** Up to here (an index in `bytes`) a search found nothing; for whoever searches. At least `start`. */
  searched = 0;
  #owned = false;

  get length(): number {
    return this.end - this.start;
  }

  /** Adds bytes at the end. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.start === this.end) {
      this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.start = 0;
      this.searched = 0;
      this.end = bytes.length;
      this.#owned = false;
      return;
    }
    this.#reserve(bytes.length);
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Takes `count` bytes from the front away. */
  drop(count: number): void {
    this.start += count;
    if (this.start >= this.end) this.clear();
    else if (this.searched < this.start) this.searched = this.start;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
    this.searched = 0;
    this.#owned = false;
  }

  /** From now on the caller's memory is not needed. */
  keep(): void {
    if (!this.#owned && this.start < this.end) this.#move(this.length);
  }

  #reserve(more: number): void {
    if (this.#owned && this.end + more <= this.bytes.length) return;
    this.#move((this.length + more) * 2);
  }

  #move(room: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(room, SMALLEST));
    this.bytes.copy(bytes, 0, this.start, this.end);
    this.searched -= this.start;
    this.end -= this.start;
    this.start = 0;
    this.bytes = bytes;
    this.#owned = true;
  }
}
