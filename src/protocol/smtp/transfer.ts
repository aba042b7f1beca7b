import type { Statuses } from '../../base/status.ts';
import type { ByteQueue } from './byte-queue.ts';
import { ChunkReader, DotReader, type ContentOutcome } from './content.ts';
import { replyOf, type Reply } from './reply.ts';

/**
 * The content of one message on its way in, by DATA or in chunks of BDAT. It takes bytes from the queue and gives those
 * that are content, until something is wrong with them; then it takes the rest in silence, and `refusal` says what the
 * end is to be answered with. What is wrong first counts, so that it does not matter how the bytes were cut.
 */
export class Transfer {
  readonly #limit: number;
  readonly #binary: boolean;
  readonly #statuses: Statuses;
  #dots: DotReader | undefined;
  #chunks: ChunkReader | undefined;
  /** Octets of content so far, dots removed. */
  size = 0;
  /** Why this content cannot be taken. */
  refusal: Reply | undefined;
  /** The chunk that is being read, or was last. */
  chunkSize = 0;
  chunkLeft = 0;
  last = false;

  /** `limit`: octets of content. `binary`: any octets will do (BINARYMIME). */
  constructor(limit: number, binary: boolean, statuses: Statuses) {
    this.#limit = limit;
    this.#binary = binary;
    this.#statuses = statuses;
  }

  /** A chunk follows. One that cannot fit is refused before its first octet. */
  beginChunk(size: number, last: boolean): void {
    this.chunkSize = size;
    this.chunkLeft = size;
    this.last = last;
    if (this.refusal === undefined && this.size + size > this.#limit) this.#refuse('content-too-big');
  }

  /** Takes from a queue that is not empty. True at the end of content. The content found is handed to `give`. */
  readData(queue: ByteQueue, give: (content: Uint8Array) => void): boolean {
    const { bytes, start, end } = queue;
    const reader = (this.#dots ??= new DotReader());
    const outcome = reader.scan(bytes, start, end);
    queue.drop(reader.next - start);
    this.#take(bytes, reader.from, reader.to, outcome, give);
    if (this.refusal !== undefined) reader.discard();
    return outcome === 'end';
  }

  /** Takes from a queue, within the chunk. True at the end of the chunk. */
  readChunk(queue: ByteQueue, give: (content: Uint8Array) => void): boolean {
    const { bytes, start } = queue;
    const end = Math.min(queue.end, start + this.chunkLeft);
    let next = end;
    if (end > start && this.refusal === undefined) {
      const reader = (this.#chunks ??= new ChunkReader(this.#binary));
      const outcome = reader.scan(bytes, start, end);
      next = reader.next;
      this.#take(bytes, reader.from, reader.to, outcome, give);
    }
    this.chunkLeft -= next - start;
    queue.drop(next - start);
    if (this.chunkLeft > 0) return false;
    // A CR that nothing follows is as bare as any.
    if (this.last && this.refusal === undefined && this.#chunks?.open === true)
      this.#refuse('bare-line-end-in-content');
    return true;
  }

  #take(bytes: Buffer, from: number, to: number, outcome: ContentOutcome, give: (content: Uint8Array) => void): void {
    if (this.refusal !== undefined) return;
    const room = this.#limit - this.size;
    if (to - from > room) {
      to = from + room;
      this.#refuse('content-too-big');
    } else if (outcome === 'bare') this.#refuse('bare-line-end-in-content');
    this.size += to - from;
    if (to > from) give(bytes.subarray(from, to));
  }

  #refuse(status: 'content-too-big' | 'bare-line-end-in-content'): void {
    this.refusal = replyOf(this.#statuses[status], { limit: this.#limit });
  }
}
