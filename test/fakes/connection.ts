import type {
  Connection,
  ConnectionHandler,
  ListenerSettings,
  TlsFacts,
} from '../../src/relay/connection/connection.ts';

/** A connection in memory, and the peer at its other end. */
export interface FakeConnection extends Connection {
  /** The peer sends; text goes as Latin-1. Held back, as by a socket, while the session does not read. */
  say(text: string | Uint8Array): void;
  /** All that was sent since the last call, as Latin-1. */
  heard(): string;
  /** How many pieces the session sent so far. */
  readonly sends: number;
  /** The handshake that the session began succeeds. */
  secure(tls: TlsFacts): void;
  /** The peer closes its side. */
  hangUp(): void;
  /** The connection breaks. */
  breakOff(detail?: string): void;
  /** From now on the peer does not take what is sent, until it is drained. */
  block(): void;
  drain(): void;
  /** Set by whoever plays the peer: called from the microtask queue after the session sent, began a handshake or closed. */
  stirred: (() => void) | undefined;
  readonly state: 'open' | 'handshake' | 'ending' | 'destroyed';
  readonly reading: boolean;
  /** Set to false: the relay has no certificate. */
  tlsUsable: boolean;
  /** How the handshake was begun. */
  readonly asked: boolean | undefined;
}

const LISTENER: ListenerSettings = {
  name: 'submission',
  address: '192.0.2.25',
  port: 587,
  role: 'submission',
  tls: 'starttls',
  certificates: 'ask',
};

export function fakeConnection(listener: Partial<ListenerSettings> = {}, peerAddress = '192.0.2.7'): FakeConnection {
  return new MemoryConnection({ ...LISTENER, ...listener }, peerAddress);
}

class MemoryConnection implements FakeConnection {
  readonly listener: ListenerSettings;
  readonly peerAddress: string;
  readonly peerPort = 40_000;
  readonly localAddress: string;
  readonly localPort: number;
  handler!: ConnectionHandler;
  tls: TlsFacts | undefined;
  state: FakeConnection['state'] = 'open';
  reading = true;
  sends = 0;
  tlsUsable = true;
  asked: boolean | undefined;
  stirred: (() => void) | undefined;
  #said: Uint8Array[] = [];
  #sent: Buffer[] = [];
  #blocked = false;
  #over = false;
  /** The peer's end of its side, once what it said before is read. */
  #hungUp = false;
  #halfClosed = false;

  constructor(listener: ListenerSettings, peerAddress: string) {
    this.listener = listener;
    this.peerAddress = peerAddress;
    this.localAddress = listener.address;
    this.localPort = listener.port;
  }

  // The session's side

  send(bytes: Uint8Array): boolean {
    if (this.state === 'destroyed') return true;
    this.sends += 1;
    this.#sent.push(Buffer.from(bytes));
    this.#stir();
    return !this.#blocked;
  }

  pause(): void {
    this.reading = false;
  }

  resume(): void {
    this.reading = true;
    queueMicrotask(() => this.#deliver());
  }

  startTls(ask?: boolean): void {
    this.asked = ask;
    if (this.tls !== undefined) throw new Error('TLS is on already');
    this.state = 'handshake';
    this.#stir();
  }

  channelBinding(type: string): Uint8Array | undefined {
    return this.tls === undefined ? undefined : new TextEncoder().encode(`binding of ${type}`);
  }

  end(): void {
    if (this.state === 'destroyed') return;
    this.state = 'ending';
    if (this.#halfClosed) this.destroy();
    else this.#stir();
  }

  destroy(): void {
    if (this.state === 'destroyed') return;
    this.state = 'destroyed';
    queueMicrotask(() => this.#close(undefined));
    this.#stir();
  }

  // The peer's side

  say(text: string | Uint8Array): void {
    // A copy that is spoiled afterwards: bytes are only lent to the session.
    this.#said.push(typeof text === 'string' ? Buffer.from(text, 'latin1') : Uint8Array.from(text));
    this.#deliver();
  }

  heard(): string {
    const text = Buffer.concat(this.#sent).toString('latin1');
    this.#sent = [];
    return text;
  }

  secure(tls: TlsFacts): void {
    if (this.state !== 'handshake') throw new Error('no handshake was begun');
    this.state = 'open';
    this.reading = true;
    this.tls = tls;
    this.handler.secured(tls);
  }

  hangUp(): void {
    this.#hungUp = true;
    this.#deliver();
  }

  breakOff(detail?: string): void {
    this.state = 'destroyed';
    this.#close(detail);
  }

  block(): void {
    this.#blocked = true;
  }

  drain(): void {
    this.#blocked = false;
    this.handler.drained();
  }

  #deliver(): void {
    while (this.reading && (this.state === 'open' || this.state === 'ending')) {
      const bytes = this.#said.shift();
      if (bytes === undefined) break;
      this.handler.received(bytes);
    }
    if (this.#hungUp && this.#said.length === 0 && this.state !== 'destroyed') {
      this.#hungUp = false;
      this.#halfClosed = true;
      this.handler.ended();
      // Both sides are closed, before or now.
      if (this.state === 'ending') this.destroy();
    }
  }

  #stir(): void {
    if (this.stirred !== undefined) queueMicrotask(this.stirred);
  }

  #close(detail: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.handler.closed(detail);
  }
}
