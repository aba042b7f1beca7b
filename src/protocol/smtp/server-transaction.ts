/**
 * The mail transaction as the engine has it (RFC 5321 §3.3), and its content on the way in: DATA to its last dot, BDAT
 * chunk by chunk. What is refused is read to its end all the same, and answered there.
 */
import type { ByteQueue } from './byte-queue.ts';
import type { MailCommand } from './command.ts';
import type { Reply } from './reply.ts';
import type { Position } from './server-moves.ts';
import type { ServerVoice } from './server-voice.ts';
import { Transfer } from './transfer.ts';

/** How far reading came: `more` is to come, `over` and answered, or `ask` the session, for all is there. */
export type Read = 'more' | 'over' | 'ask';

export class ServerTransaction {
  position: Position = 'start';
  /** What began it; undefined while there is none. */
  mail: MailCommand | undefined;
  /** Accepted. */
  recipients = 0;
  recipientsAsked = 0;
  readonly #voice: ServerVoice;
  readonly #messageSize: number;
  #transfer: Transfer | undefined;
  /** The session refused a chunk, and its reply waits for the last octet. */
  #answerWaits = false;

  constructor(voice: ServerVoice, messageSize: number) {
    this.#voice = voice;
    this.#messageSize = messageSize;
  }

  /** Octets of content so far. */
  get size(): number {
    return this.#transfer?.size ?? 0;
  }

  /** Gives it up, if there is one, and says so. */
  reset(): void {
    if (this.mail === undefined) return;
    this.end('ready');
    this.#voice.events.push({ kind: 'reset' });
  }

  end(position: Position): void {
    this.position = position;
    this.mail = undefined;
    this.recipients = 0;
    this.recipientsAsked = 0;
    this.#transfer = undefined;
    this.#answerWaits = false;
  }

  // DATA

  startData(): void {
    this.#transfer = new Transfer(this.#messageSize, false, this.#voice.statuses);
  }

  readData(queue: ByteQueue): Read {
    const transfer = this.#transfer!;
    if (!transfer.readData(queue, this.#give)) return 'more';
    if (transfer.refusal === undefined) return 'ask';
    this.end('ready');
    this.#voice.refuseContent(transfer.refusal);
    return 'over';
  }

  // BDAT

  /** A chunk follows (RFC 3030 §2), wanted or not. True when the session has to be asked whether content may come. */
  beginChunk(size: number, last: boolean, unwanted: Reply | undefined): boolean {
    const transfer = (this.#transfer ??= new Transfer(
      this.#messageSize,
      this.mail?.parameters.body === 'BINARYMIME',
      this.#voice.statuses,
    ));
    if (unwanted !== undefined) transfer.refusal = unwanted;
    transfer.beginChunk(size, last);
    return transfer.refusal === undefined && this.position === 'recipients';
  }

  /** The session's answer to that. Nothing is said before the chunk is there (RFC 3030 §2). */
  chunksStarted(reply: Reply, goes: boolean): void {
    this.position = goes ? 'chunks' : 'failed';
    if (goes) return;
    this.#transfer!.refusal = reply;
    this.#answerWaits = true;
  }

  readChunk(queue: ByteQueue): Read {
    const transfer = this.#transfer!;
    if (!transfer.readChunk(queue, this.#give)) return 'more';
    const { chunkSize, last, refusal } = transfer;
    if (refusal !== undefined) this.#refuseChunk(`BDAT ${chunkSize}${last ? ' LAST' : ''}`, last, refusal);
    else if (last) return 'ask';
    else this.#voice.say(this.#voice.reply('chunk-ok', { size: chunkSize }));
    return 'over';
  }

  #refuseChunk(command: string, last: boolean, reply: Reply): void {
    const voice = this.#voice;
    switch (this.position) {
      case 'recipients':
      case 'chunks':
        // The first of this transaction that cannot be taken; what came before it is of no use any more.
        this.position = 'failed';
        if (last) this.end('ready');
        return voice.refuseContent(reply);
      case 'failed':
        if (this.#answerWaits) voice.say(reply);
        else voice.refuseWith(command, reply);
        this.#answerWaits = false;
        return last ? this.reset() : undefined;
      default:
        // It came out of order and belongs to no transaction.
        this.#transfer = undefined;
        return voice.refuseWith(command, reply);
    }
  }

  readonly #give = (bytes: Uint8Array): void => {
    this.#voice.events.push({ kind: 'content', bytes });
  };
}
