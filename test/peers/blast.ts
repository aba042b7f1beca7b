/** Load that keeps account: every message has a key, and what was acknowledged is remembered with its hash. */
import { createHash, randomBytes } from 'node:crypto';
import { Talk } from './talk.ts';

/** A pause before a connection that was lost is tried again. */
const AGAIN = 20;

/** Sends without pause, over many connections, until told to stop. */
export class Blast {
  /** By key the hash of what was answered 250. */
  readonly acknowledged: Map<string, string> = new Map();
  /** What else was answered, with its count. */
  readonly refused: Map<string, number> = new Map();
  readonly #port: () => number;
  readonly #size: (number: number) => number;
  #count = 0;
  #on = true;
  readonly #done: Promise<unknown>;

  /** `port` may change while it runs; `size` is that of the message of this number. */
  constructor(connections: number, port: () => number, size: (number: number) => number) {
    this.#port = port;
    this.#size = size;
    this.#done = Promise.all(Array.from({ length: connections }, () => this.#run()));
  }

  /** Resolves when every message under way has its answer. */
  async stop(): Promise<void> {
    this.#on = false;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (this.#on) {
      try {
        using talk = await Talk.open(this.#port());
        await talk.greet();
        while (this.#on && (await this.#send(talk)));
      } catch {
        // Nobody listens: nothing was sent.
      }
      if (this.#on) await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  /** False: the connection is lost, and what became of the message is unknown. */
  async #send(talk: Talk): Promise<boolean> {
    const number = ++this.#count;
    const key = `key${number}`;
    const content = keyed(key, this.#size(number));
    talk.send(`MAIL FROM:<blast@example.net>\r\nRCPT TO:<r${number}@example.org>\r\nDATA\r\n`);
    const [mail, recipient, data] = [await talk.reply(), await talk.reply(), await talk.reply()];
    if (!data.startsWith('354')) return this.#refusal([mail, recipient, data]);
    talk.send(stuffed(content));
    const end = await talk.ask('.');
    if (!end.startsWith('250')) return this.#refusal([end]);
    this.acknowledged.set(key, hashOf(content));
    return true;
  }

  #refusal(replies: readonly string[]): boolean {
    if (replies.includes('closed')) return false;
    const reply = replies.find((each) => !each.startsWith('250')) as string;
    this.refused.set(reply, (this.refused.get(reply) ?? 0) + 1);
    return true;
  }
}

/** What arrived, by key: the hashes of all that came with it, from the line with the key on. */
export class Arrivals {
  readonly byKey: Map<string, string[]> = new Map();

  take(content: Buffer): void {
    const at = content.indexOf('\r\nX-Key: ') + 2;
    const key = content.subarray(at + 7, content.indexOf('\r\n', at)).toString('latin1');
    this.byKey.set(key, [...(this.byKey.get(key) ?? []), hashOf(content.subarray(at))]);
  }

  /** What became of all that was acknowledged. `damaged` are other than they were sent. */
  compare(acknowledged: ReadonlyMap<string, string>): {
    readonly lost: string[];
    readonly damaged: string[];
    readonly duplicates: number;
  } {
    const keys = [...acknowledged.keys()];
    return {
      lost: keys.filter((key) => !this.byKey.has(key)),
      damaged: keys.filter((key) => this.byKey.get(key)?.some((hash) => hash !== acknowledged.get(key))),
      duplicates: [...this.byKey.values()].reduce((sum, { length }) => sum + length - 1, 0),
    };
  }
}

/** A message of about this size; its first line is its key, and it has dots at the begin of lines. */
function keyed(key: string, size: number): Buffer {
  const header = `X-Key: ${key}\r\nFrom: <blast@example.net>\r\nMessage-ID: <${key}@blast.test>\r\nSubject: ${key}\r\n\r\n`;
  const text = randomBytes(Math.ceil(size / 2))
    .toString('hex')
    .replaceAll(/.{70}/g, '$&\r\n');
  return Buffer.from(`${header}.\r\n..\r\n.${text}\r\n`, 'latin1');
}

/** As it goes over the line (RFC 5321 §4.5.2), without the last dot. Only the first lines of the body have dots. */
function stuffed(content: Buffer): Buffer {
  const body = content.indexOf('\r\n\r\n.') + 4;
  const dots = '..\r\n...\r\n..';
  return Buffer.concat([content.subarray(0, body), Buffer.from(dots), content.subarray(body + '.\r\n..\r\n.'.length)]);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
