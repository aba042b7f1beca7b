/** A connection that came in, as the session sees it: one socket, at first in clear, then perhaps under TLS. */
import { hash, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type {
  ChannelBinding,
  Connection,
  ConnectionHandler,
  ListenerSettings,
  TlsFacts,
} from '../../relay/connection/connection.ts';
import { channelBinding } from './channel-binding.ts';
import type { TlsContexts } from './tls-contexts.ts';

/** Where a socket carries its connection, so that all sockets share the listeners below. */
const CONNECTION: unique symbol = Symbol('connection');

interface Carrier {
  [CONNECTION]?: ServerConnection;
}

/** Until a session has set its own. */
const NOBODY: ConnectionHandler = {
  received() {},
  secured() {},
  drained() {},
  ended() {},
  closed() {},
};

export class ServerConnection implements Connection {
  readonly listener: ListenerSettings;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  handler: ConnectionHandler = NOBODY;
  tls: TlsFacts | undefined;
  readonly #contexts: TlsContexts | undefined;
  /** The one that is written to and read from: the TCP socket, later the TLS socket on it. */
  #socket: Socket;
  #ask: boolean;
  #closed = false;
  #detail: string | undefined;

  /** `contexts`: undefined when the listener has no TLS. */
  constructor(socket: Socket, listener: ListenerSettings, contexts: TlsContexts | undefined) {
    this.listener = listener;
    this.peerAddress = plainAddress(socket.remoteAddress ?? '');
    this.peerPort = socket.remotePort ?? 0;
    this.localAddress = plainAddress(socket.localAddress ?? '');
    this.localPort = socket.localPort ?? 0;
    this.#contexts = contexts;
    this.#ask = listener.certificates !== 'no';
    this.#socket = socket;
    (socket as Carrier)[CONNECTION] = this;
    socket.on('data', onData);
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  send(bytes: Uint8Array): boolean {
    // What is sent to a connection that is gone is lost; `closed` is on its way.
    if (this.#socket.destroyed || this.#socket.writableEnded) return true;
    return this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  get tlsUsable(): boolean {
    return this.#contexts?.usable === true;
  }

  startTls(ask?: boolean): void {
    const raw = this.#socket;
    this.#ask = ask ?? this.#ask;
    if (raw.destroyed) return;
    // Nothing that comes from here on is ours: Node hands what the paused socket has read, or will, to the handshake.
    raw.pause();
    raw.off('data', onData);
    raw.off('drain', onDrain);
    raw.off('end', onEnd);
    // A peer that leaves during the handshake would otherwise be waited for until its time is over.
    raw.allowHalfOpen = false;
    if (raw.writableLength === 0) this.#handOver();
    else raw.once('drain', onReadyForTls);
  }

  /** Called by the listener below. */
  handOverWhenSent(): void {
    this.#handOver();
  }

  channelBinding(type: ChannelBinding): Uint8Array | undefined {
    return this.tls === undefined ? undefined : channelBinding(this.#socket as TLSSocket, type);
  }

  end(): void {
    this.#socket.end();
    // Read on and throw away, or the kernel answers unread bytes by a reset that takes our last reply with it.
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The handshake is done. Called by `handshakeDone`. */
  secured(socket: TLSSocket, asked: boolean): void {
    this.#socket = socket;
    socket.allowHalfOpen = true;
    (socket as Carrier)[CONNECTION] = this;
    this.tls = tlsFacts(socket, asked);
    socket.on('data', onData);
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
    this.handler.secured(this.tls);
  }

  /** Remembers why the connection is about to close. */
  failed(error: Error): void {
    this.#detail ??= errorText(error);
  }

  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.handler.closed(this.#detail);
    this.handler = NOBODY;
  }

  #handOver(): void {
    const { usable = false } = this.#contexts ?? {};
    if (usable) this.#contexts?.server(this.#ask).emit('connection', this.#socket);
    else {
      this.#detail ??= this.#contexts === undefined ? 'this listener has no TLS' : 'there is no usable certificate';
      this.#socket.destroy();
    }
  }
}

// Shared by all sockets: `this` is the socket.

function onData(this: Socket, bytes: Buffer): void {
  (this as Carrier)[CONNECTION]?.handler.received(bytes);
}

function onDrain(this: Socket): void {
  (this as Carrier)[CONNECTION]?.handler.drained();
}

function onEnd(this: Socket): void {
  (this as Carrier)[CONNECTION]?.handler.ended();
}

function onError(this: Socket, error: Error): void {
  (this as Carrier)[CONNECTION]?.failed(error);
}

function onClose(this: Socket): void {
  (this as Carrier)[CONNECTION]?.closed();
}

function onReadyForTls(this: Socket): void {
  (this as Carrier)[CONNECTION]?.handOverWhenSent();
}

/** For `secureConnection` of a TLS server that asked for a certificate, or did not. */
export function handshakeDone(socket: TLSSocket, asked: boolean): void {
  const connection = connectionOf(socket);
  // Only connections of this file are handed to these servers.
  if (connection === undefined) socket.destroy();
  else connection.secured(socket, asked);
}

/** For `tlsClientError` of the TLS servers: the handshake failed, or took too long. */
export function handshakeFailed(error: Error, socket: TLSSocket): void {
  const connection = connectionOf(socket);
  connection?.failed(error);
  socket.destroy();
  connection?.destroy();
}

/** Node keeps the socket that TLS runs on as `_parent`; there is no public way from one to the other. */
function connectionOf(socket: TLSSocket): ServerConnection | undefined {
  return (socket as unknown as { readonly _parent?: Carrier })._parent?.[CONNECTION];
}

/** What OpenSSL and Node found out. */
function tlsFacts(socket: TLSSocket, asked: boolean): TlsFacts {
  const cipher = socket.getCipher().name;
  // Without a certificate Node reports UNABLE_TO_GET_ISSUER_CERT all the same: whether there is one comes first.
  const leaf = asked ? socket.getPeerX509Certificate() : undefined;
  const der = leaf?.raw;
  const { authorized, servername } = socket as TLSSocket & { readonly servername?: string | false };
  return {
    version: socket.getProtocol() ?? '',
    cipher,
    bits: cipherBits(cipher),
    asked,
    certificate:
      der === undefined
        ? undefined
        : { der, fingerprint: hash('sha256', der), issuers: issuersSent(leaf?.issuerCertificate) },
    verifyError: der === undefined || authorized ? undefined : verifyError(socket),
    resumed: socket.isSessionReused(),
    serverName: typeof servername === 'string' && servername !== '' ? servername : undefined,
  };
}

/** One more than `relay/identity` is ready to go by. */
const MOST_SENT = 17;

/** The certificates that the peer sent after its own. */
function issuersSent(first: X509Certificate | undefined): Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let next = first; next !== undefined && sent.length < MOST_SENT; next = next.issuerCertificate)
    sent.push(next.raw);
  return sent;
}

/** Verdicts of OpenSSL that have a reason of their own with us, and for which Node has no code: by OpenSSL's text. */
const UNCODED: Readonly<Record<string, string>> = {
  'EE certificate key too weak': 'EE_KEY_TOO_SMALL',
  'CA certificate key too weak': 'CA_KEY_TOO_SMALL',
  'CA signature digest algorithm too weak': 'CA_MD_TOO_WEAK',
};

/** OpenSSL's name of what is wrong with the peer's certificate, without its prefix. */
function verifyError(socket: TLSSocket): string {
  const code = String(socket.authorizationError ?? 'UNSPECIFIED');
  if (code !== 'UNSPECIFIED') return code;
  // Node keeps the text to itself; where it is not to be had, the certificate is refused without a word for why.
  const { _handle: handle } = socket as unknown as { readonly _handle?: { verifyError?(): Error | null } | null };
  return UNCODED[handle?.verifyError?.()?.message ?? ''] ?? code;
}

/** Secret bits by OpenSSL's name of the cipher; Node does not tell them. */
export function cipherBits(cipher: string): number {
  if (/AES_?256|CHACHA20|CAMELLIA_?256|ARIA_?256/.test(cipher)) return 256;
  if (/AES_?128|CAMELLIA_?128|ARIA_?128|SEED|SM4/.test(cipher)) return 128;
  return cipher.includes('DES-CBC3') ? 112 : 0;
}

/** IPv4 in IPv6 as IPv4, no zone. */
export function plainAddress(address: string): string {
  const zone = address.indexOf('%');
  const bare = zone < 0 ? address : address.slice(0, zone);
  return bare.startsWith('::ffff:') && bare.includes('.') ? bare.slice(7) : bare;
}

/** OpenSSL's reason alone where there is one: its full text has addresses of memory and source lines. */
function errorText(error: Error): string {
  const { reason, code } = error as Error & { readonly reason?: string; readonly code?: string };
  return reason ?? code ?? error.message;
}
