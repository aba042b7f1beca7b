/** A name server of the tests, on UDP and loopback: A and TXT of a table that changes while it runs (RFC 1035). */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

const A = 1;
const TXT = 16;

export class NameServer implements AsyncDisposable {
  /** By name, lower case. A name in neither table does not exist. */
  readonly addresses: Map<string, readonly string[]> = new Map();
  readonly texts: Map<string, readonly string[]> = new Map();
  /** Names that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #socket: Socket = createSocket('udp4');

  static async open(): Promise<NameServer> {
    const server = new NameServer();
    server.#socket.on('message', (question, from) => server.#answer(question, from));
    await new Promise<void>((resolve) => server.#socket.bind(0, '127.0.0.1', resolve));
    return server;
  }

  /** As the configuration names it. */
  get place(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(question: Buffer, from: RemoteInfo): void {
    const { name, end } = readQuestion(question);
    const type = question.readUInt16BE(end);
    this.asked.push(name);
    const exists = this.addresses.has(name) || this.texts.has(name);
    const records =
      type === A
        ? (this.addresses.get(name) ?? []).map((address) => Buffer.from(address.split('.').map(Number)))
        : type === TXT
          ? (this.texts.get(name) ?? []).map((text) => Buffer.from([text.length, ...Buffer.from(text)]))
          : [];
    const header = Buffer.alloc(12);
    header.writeUInt16BE(question.readUInt16BE(0), 0);
    // An answer, authoritative, recursion as asked; NXDOMAIN for names in no table.
    header.writeUInt16BE(0x8580 | (exists ? 0 : 3), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    this.#socket.send(
      Buffer.concat([header, question.subarray(12, end + 4), ...records.map((data) => record(type, data))]),
      from.port,
      from.address,
    );
  }
}

function readQuestion(message: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length !== 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

/** Of the name in the question, not to be kept. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}
