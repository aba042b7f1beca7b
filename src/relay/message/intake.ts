/**
 * Step 5, message: takes the content of one message as it comes in, puts the trace header in front, looks at the
 * header section once, completes it on submission (RFC 6409 §8), writes addresses in it as the site's rules have them,
 * and hands on the whole: small content as one buffer, large content through a sink, piece by piece, never whole in memory.
 *
 * It must never change a byte of the content beyond that, decide who may send, or believe that a header section is
 * well-formed. Before it: `relay/session`, which gives it envelope and facts. After it: `relay/spool`.
 */
import { asFault, type Fault } from '../../base/fault.ts';
import { fromLatin1, type Bytes } from '../../base/bytes.ts';
import { statuses, type Status } from '../../base/status.ts';
import { beginsHeadless, scanHeader, type HeaderScan } from './header.ts';
import { addressEdits, type Edit, type HeaderRewriter } from './rewrite.ts';

/** Where large content goes; the ContentWriter of `relay/spool` is one. */
export interface ContentSink {
  /** The bytes are not changed afterwards. Resolves when more may come. */
  write(bytes: Uint8Array): Promise<void>;
  /** Durable when it resolves with the reference. */
  finish(): Promise<string>;
  abandon(): Promise<void>;
}

/** What to add on submission when the author's program left it out. */
export interface Completion {
  /** Value of Date:. */
  readonly date: string;
  /** Value of Message-ID:, angle brackets included. */
  readonly messageId: string;
}

export interface IntakeSettings {
  /** Content up to this size, trace header included, comes back as one buffer. Octets. */
  readonly inlineContent: number;
  /** Largest header section, octets, without the trace header that is added here. */
  readonly header: number;
  /** So many Received: lines are a loop. */
  readonly hops: number;
  /** Undefined on relay: nothing is added. */
  readonly completion: Completion | undefined;
  /** How addresses in the header section are written; absent: they stay as they are. */
  readonly rewriter?: HeaderRewriter | undefined;
}

/** The message as it is to be stored. `size` counts the trace header. */
export interface TakenMessage {
  readonly kind: 'taken';
  readonly content:
    | { readonly kind: 'inline'; readonly bytes: Bytes }
    | { readonly kind: 'stored'; readonly ref: string };
  readonly size: number;
  readonly messageId: string | undefined;
}

/** Why it is not taken; `fault` when the reason is ours. */
export interface RefusedMessage {
  readonly kind: 'refused';
  readonly status: Status;
  readonly values: Readonly<Record<string, string | number>>;
  readonly fault: Fault | undefined;
}

/** Piece size of large content: one write to a file each. */
const PIECE = 131_072;
const FIRST_BLOCK = 8192;
const CRLF = Buffer.from('\r\n');
const NOTHING = new Uint8Array();
const HEADER_END = Buffer.from('\r\n\r\n');

/** One message. Calls: take()…, then finish() or abandon(); wait for each promise before the next call. */
export class Intake {
  readonly #settings: IntakeSettings;
  readonly #openSink: () => ContentSink;
  readonly #traceLength: number;
  /** What is not yet in the sink. */
  #block: Buffer<ArrayBuffer>;
  #used: number;
  /** Bytes in the sink. */
  #written = 0;
  #headerOpen = true;
  #begun = false;
  /** Where to go on looking for the end of the header section. */
  #searched: number;
  #sink: ContentSink | undefined;
  #writing: Promise<void> | undefined;
  #refused: RefusedMessage | undefined;
  #messageId: string | undefined;

  /** `expected`: size of the content as the peer announced it, 0 when it did not. */
  constructor(trace: string, settings: IntakeSettings, openSink: () => ContentSink, expected: number) {
    this.#settings = settings;
    this.#openSink = openSink;
    const head = Buffer.byteLength(trace);
    const room = expected > 0 && expected <= settings.inlineContent ? expected + 256 : FIRST_BLOCK;
    this.#block = Buffer.allocUnsafeSlow(head + room);
    this.#used = this.#traceLength = this.#searched = head;
    this.#block.write(trace, 0);
  }

  /**
   * Takes the next bytes of content and copies them. A promise means: give nothing more until it resolves (the sink
   * is slow). It never rejects; what goes wrong is told by finish().
   */
  take(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#refused !== undefined) return undefined;
    if (this.#sink !== undefined) return this.#pour(bytes);
    this.#append(bytes);
    if (this.#headerOpen) this.#lookForBody();
    if (this.#refused === undefined && !this.#headerOpen && this.#used > this.#settings.inlineContent)
      return this.#spill();
    return undefined;
  }

  /** All content is there. A promise only when the content is large. Does not reject. */
  finish(): TakenMessage | RefusedMessage | Promise<TakenMessage | RefusedMessage> {
    if (this.#headerOpen && this.#refused === undefined) this.#closeHeader(this.#used);
    if (this.#refused !== undefined) return this.#refused;
    if (this.#sink !== undefined || this.#used > this.#settings.inlineContent) return this.#finishStored();
    const size = this.#used;
    // A buffer of just this size, so that it can be handed to another thread without a copy.
    const bytes = new Uint8Array(this.#block.buffer.transfer(size));
    return { kind: 'taken', content: { kind: 'inline', bytes }, size, messageId: this.#messageId };
  }

  /** Throws away all that came; large content is removed when it resolves. */
  async abandon(): Promise<void> {
    this.#refused ??= { kind: 'refused', status: statuses['local-error'], values: {}, fault: undefined };
    await this.#writing;
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.abandon();
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#used + bytes.length;
    if (needed > this.#block.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#block.length * 2));
      this.#block.copy(larger, 0, 0, this.#used);
      this.#block = larger;
    }
    this.#block.set(bytes, this.#used);
    this.#used = needed;
  }

  #lookForBody(): void {
    const start = this.#traceLength;
    const have = this.#used - start;
    let end = -1;
    if (have >= 2 && this.#block[start] === 13 && this.#block[start + 1] === 10) {
      end = start; // the empty line is the first: no header at all
    } else if (!this.#begun && this.#isHeadless()) {
      end = this.#block.indexOf(10, start) + 1;
    } else if (have >= 4) {
      const found = this.#block.subarray(0, this.#used).indexOf(HEADER_END, this.#searched);
      if (found >= 0) end = found + 2;
      else this.#searched = Math.max(start, this.#used - 3);
    }
    const length = end < 0 ? have : end - start;
    if (length > this.#settings.header) this.#refuse(statuses['header-too-long'], { limit: this.#settings.header });
    else if (end >= 0) this.#closeHeader(end);
  }

  #isHeadless(): boolean {
    const headless = beginsHeadless(this.#block, this.#traceLength, this.#used);
    this.#begun = headless !== undefined;
    return headless === true;
  }

  /** The header section lies between the trace header and `end`; nothing of it is looked at again. */
  #closeHeader(end: number): void {
    this.#headerOpen = false;
    const { completion, hops, rewriter } = this.#settings;
    const scan = scanHeader(this.#block, this.#traceLength, end, rewriter !== undefined);
    if (scan.received >= hops) return this.#refuse(statuses['mail-loop'], { count: scan.received });
    this.#messageId = scan.messageId;
    const edits = rewriter === undefined ? [] : addressEdits(this.#block, scan.addresses, rewriter);
    if (completion !== undefined) edits.push(...this.#completed(scan, completion));
    else if (scan.headless) edits.push({ from: this.#traceLength, to: this.#traceLength, text: CRLF });
    if (edits.length > 0) this.#edit(edits);
  }

  /** RFC 6409 §8: what a submission server may add; RFC 5322 §3.6.3: blind recipients are not told. */
  #completed(scan: HeaderScan, completion: Completion): Edit[] {
    let added = '';
    if (!scan.date) added += `Date: ${completion.date}\r\n`;
    if (scan.messageId === undefined) {
      added += `Message-ID: ${completion.messageId}\r\n`;
      this.#messageId = completion.messageId;
    }
    if (added !== '' && scan.openEnd) added = `\r\n${added}`;
    if (scan.headless) added += '\r\n';
    const removed = scan.blind.map(({ from, to }) => ({ from, to, text: NOTHING }));
    return added === '' ? removed : [...removed, { from: scan.end, to: scan.end, text: fromLatin1(added) }];
  }

  /** Makes changes at places that are apart from each other; one inside another that removes more is idle. */
  #edit(edits: readonly Edit[]): void {
    const old = this.#block;
    const room = edits.reduce((sum, { text }) => sum + text.length, 0);
    const edited = Buffer.allocUnsafeSlow(this.#used + room + 1024);
    let from = 0;
    let to = 0;
    for (const edit of edits.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
      if (edit.from < from) continue;
      to += old.copy(edited, to, from, edit.from);
      edited.set(edit.text, to);
      to += edit.text.length;
      from = edit.to;
    }
    this.#used = to + old.copy(edited, to, from, this.#used);
    this.#block = edited;
  }

  /** From here on the content goes to the sink. */
  #spill(): Promise<void> {
    try {
      this.#sink = this.#openSink();
    } catch (thrown) {
      this.#fail(thrown);
      return Promise.resolve();
    }
    return this.#track(this.#pushBlock());
  }

  /** Copies into the open block; full blocks go to the sink. */
  #pour(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#used + bytes.length < this.#block.length) {
      this.#block.set(bytes, this.#used);
      this.#used += bytes.length;
      return undefined;
    }
    return this.#track(this.#pourBlocks(bytes));
  }

  async #pourBlocks(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length && this.#refused === undefined) {
      const part = bytes.subarray(at, at + this.#block.length - this.#used);
      this.#block.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === this.#block.length) await this.#pushBlock();
    }
  }

  async #pushBlock(): Promise<void> {
    const full = this.#block.subarray(0, this.#used);
    this.#block = Buffer.allocUnsafeSlow(PIECE);
    this.#used = 0;
    try {
      await this.#sink?.write(full);
      this.#written += full.length;
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Remembers what is being written, for abandon(). */
  #track(writing: Promise<void>): Promise<void> {
    this.#writing = writing;
    return writing;
  }

  async #finishStored(): Promise<TakenMessage | RefusedMessage> {
    if (this.#sink === undefined) await this.#spill();
    if (this.#used > 0 && this.#refused === undefined) await this.#pushBlock();
    const sink = this.#sink;
    if (sink !== undefined && this.#refused === undefined) {
      try {
        const ref = await sink.finish();
        this.#sink = undefined;
        return { kind: 'taken', content: { kind: 'stored', ref }, size: this.#written, messageId: this.#messageId };
      } catch (thrown) {
        this.#fail(thrown);
      }
    }
    return this.#refused ?? { kind: 'refused', status: statuses['local-error'], values: {}, fault: undefined };
  }

  #fail(thrown: unknown): void {
    const fault = asFault(thrown);
    this.#refused ??= { kind: 'refused', status: fault.status, values: {}, fault };
    this.#release();
  }

  #refuse(status: Status, values: Readonly<Record<string, string | number>>): void {
    this.#refused = { kind: 'refused', status, values, fault: undefined };
    this.#release();
  }

  #release(): void {
    this.#block = Buffer.alloc(0);
    this.#used = 0;
  }
}
