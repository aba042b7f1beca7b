/** A conversation with one signer process, from its start to its end: calls are numbered, and each has its answer. */
import type { Bytes } from '../base/bytes.ts';
import type { AuthorityTerms, KeyState } from '../ca/authority.ts';
import { RequestRefused } from '../ca/refusal.ts';
import { AuthorityUnavailable } from '../ca/unavailable.ts';
import { encodeFrame, FrameReader, type SignerAnswer, type SignerCall } from './signer-frame.ts';
import type { LinkListener, SignerLink } from './signer-link.ts';

interface Waiting {
  readonly resolve: (answer: SignerAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class SignerSession {
  /** Resolves when the signer has its files; rejects with what is wrong with them. */
  readonly opened: Promise<void>;
  readonly #link: SignerLink;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #lastNumber = 0;
  #ended = false;
  #state: KeyState = 'locked';
  #sealTo: Bytes = new Uint8Array(0);

  constructor(begin: (listener: LinkListener) => SignerLink, terms: AuthorityTerms) {
    this.#link = begin({ heard: (bytes) => this.#hear(bytes), over: (why) => this.#over(why) });
    this.opened = this.#answerTo(0).then((answer) => {
      if (answer.kind !== 'opened') throw new Error(`the signer answered "${answer.kind}" when it was opened`);
      this.#state = answer.state;
      this.#sealTo = answer.sealTo;
    });
    // Those who wait see the failure; a signer that nobody waits for must not end the program.
    this.opened.catch(() => {});
    this.#link.write(encodeFrame({ kind: 'open', terms }));
  }

  get pid(): number | undefined {
    return this.#link.pid;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  /** As the signer said it last. */
  get state(): KeyState {
    return this.#state;
  }

  /** What a passphrase is sealed to. */
  get sealTo(): Bytes {
    return this.#sealTo;
  }

  async ask(call: (number: number) => SignerCall): Promise<SignerAnswer> {
    if (this.#ended) throw new AuthorityUnavailable('the signer has ended');
    const number = ++this.#lastNumber;
    const answered = this.#answerTo(number);
    this.#link.write(encodeFrame(call(number)));
    const answer = await answered;
    if (answer.kind === 'state') this.#state = answer.state;
    return answer;
  }

  /** Lets it finish what it was given; it ends with its input. */
  end(): void {
    this.#ended = true;
    this.#link.end();
  }

  #answerTo(number: number): Promise<SignerAnswer> {
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
  }

  #hear(bytes: Uint8Array): void {
    let answers: SignerAnswer[];
    try {
      // Our own code on the other side: its shape is known, and what it signed is checked by whoever uses it.
      answers = this.#frames.push(bytes) as SignerAnswer[];
    } catch (error) {
      this.#over(`the signer does not speak as it should: ${error instanceof Error ? error.message : String(error)}`);
      this.#link.kill();
      return;
    }
    for (const answer of answers) this.#settle(answer);
  }

  #settle(answer: SignerAnswer): void {
    const number = answer.kind === 'opened' ? 0 : answer.number;
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (answer.kind === 'error') waiting?.reject(errorOf(answer));
    else waiting?.resolve(answer);
  }

  #over(why: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new AuthorityUnavailable(why));
    this.#waiting.clear();
  }
}

/** The error as it was thrown on the other side. */
function errorOf({ number, message, section, locked }: SignerAnswer & { readonly kind: 'error' }): Error {
  if (section !== undefined) {
    // The message of a refusal ends with its section already.
    const end = ` (${section})`;
    return new RequestRefused(message.endsWith(end) ? message.slice(0, -end.length) : message, section);
  }
  if (locked || number === 0) return new AuthorityUnavailable(message, { locked });
  return new Error(message);
}
