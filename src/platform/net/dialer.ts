import { connect as netConnect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as tlsConnect, type TLSSocket } from 'node:tls';
import type {
  DialResult,
  DialTarget,
  DialTls,
  Dialer,
  OutboundConnection,
  OutboundHandler,
  OutboundTls,
} from '../../relay/delivery/dialer.ts';
import { readFacts } from '../../relay/identity/certificate-cache.ts';
import { ClientContexts, type RenewedContexts } from './client-contexts.ts';

/** Connections to next hops over TCP, with TLS as the caller asks. */
export interface NetDialer extends Dialer {
  /** Makes changed certificate files count for new connections. */
  renewContexts(): RenewedContexts;
}

/** A dialer on `node:net`; `onTrouble` hears of client certificates that cannot be shown. Contexts are made once for each identity and authorities, never for a connection. */
export function netDialer(onTrouble?: (detail: string) => void): NetDialer {
  const contexts = new ClientContexts(onTrouble);
  return {
    dial: (target, handler, signal) => dial(target, handler, signal, contexts),
    renewContexts: () => contexts.renew(),
  };
}

async function dial(
  target: DialTarget,
  handler: OutboundHandler,
  signal: AbortSignal,
  contexts: ClientContexts,
): Promise<DialResult> {
  if (signal.aborted) return { kind: 'failed', stage: 'connect', detail: 'the attempt was stopped' };
  const socket = netConnect({ host: target.address, port: target.port, noDelay: true, keepAlive: true });
  const connected = await settled(socket, 'connect', signal);
  if (connected !== undefined) {
    socket.destroy();
    return { kind: 'failed', stage: 'connect', detail: connected };
  }
  if (target.implicitTls === undefined)
    return { kind: 'connected', connection: new SocketConnection(socket, handler, contexts) };

  const secure = startTls(socket, target.implicitTls, contexts);
  if (typeof secure === 'string') {
    socket.destroy();
    return { kind: 'failed', stage: 'tls', detail: secure };
  }
  const failed = await settled(secure, 'secureConnect', signal);
  if (failed !== undefined) {
    secure.destroy();
    return { kind: 'failed', stage: 'tls', detail: failed };
  }
  return { kind: 'connected', connection: new SocketConnection(secure, handler, contexts, target.implicitTls) };
}

/** Waits for `event`; undefined when it came, else why it did not. */
function settled(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const finish = (detail: string | undefined): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off(event, onEvent);
      socket.off('close', onClose);
      // The socket's own handlers follow; until then, and after destroy(), an error must not be without a listener.
      socket.on('error', ignore);
      socket.off('error', onError);
      resolve(detail);
    };
    const onEvent = (): void => finish(undefined);
    const onClose = (): void => finish('the server closed the connection');
    const onError = (error: Error): void => finish(errorText(error));
    const onAbort = (): void => finish('the attempt was stopped');
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on(event, onEvent).on('close', onClose).on('error', onError);
  });
}

/** Errors after the promise is settled: 'close' follows each and is what is listened to. */
function ignore(): void {}

class SocketConnection implements OutboundConnection {
  #socket: Socket;
  #tls: OutboundTls | undefined;
  #error: string | undefined;
  #silent = false;
  readonly #handler: OutboundHandler;
  readonly #contexts: ClientContexts;

  /** `implicit`: the socket has TLS already, done as this says. */
  constructor(socket: Socket, handler: OutboundHandler, contexts: ClientContexts, implicit?: DialTls) {
    this.#socket = socket;
    this.#handler = handler;
    this.#contexts = contexts;
    if (implicit !== undefined) this.#tls = tlsFacts(socket as TLSSocket, implicit.name);
    this.#listen(socket);
  }

  get tls(): OutboundTls | undefined {
    return this.#tls;
  }

  send(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  startTls(tls: DialTls): void {
    const plain = this.#socket;
    plain.removeAllListeners('data').removeAllListeners('drain').removeAllListeners('end').removeAllListeners('close');
    const secure = startTls(plain, tls, this.#contexts);
    if (typeof secure === 'string') {
      plain.destroy();
      queueMicrotask(() => this.#closed(secure));
      return;
    }
    this.#socket = secure;
    secure.once('secureConnect', () => {
      this.#tls = tlsFacts(secure, tls.name);
      if (!this.#silent) this.#handler.secured(this.#tls);
    });
    this.#listen(secure);
  }

  end(): void {
    this.#silent = true;
    this.#socket.end();
    // Nobody waits for the answer to QUIT; what still comes is read and dropped, and a peer that never closes is left to keep-alive.
    this.#socket.resume();
    this.#socket.setTimeout(LINGER, () => this.#socket.destroy());
    this.#socket.unref();
  }

  destroy(): void {
    this.#silent = true;
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      if (!this.#silent) this.#handler.received(bytes);
    });
    socket.on('drain', () => {
      if (!this.#silent) this.#handler.drained();
    });
    socket.on('end', () => {
      if (!this.#silent) this.#handler.ended();
    });
    socket.on('error', (error) => {
      this.#error ??= errorText(error);
    });
    socket.on('close', () => this.#closed(this.#error));
  }

  #closed(detail: string | undefined): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#handler.closed(detail);
  }
}

/** How long a connection may take to close after QUIT, ms. */
const LINGER = 10_000;

/** TLS as the client over a connected socket; a text when certificate files cannot be used. */
function startTls(socket: Socket, tls: DialTls, contexts: ClientContexts): TLSSocket | string {
  const secureContext = contexts.get(tls);
  if (typeof secureContext === 'string') return secureContext;
  // Whether an unverified certificate is good enough is the caller's question: the facts say what it is.
  const options = {
    socket,
    secureContext,
    rejectUnauthorized: false,
    // Asked in tlsFacts: chain and name are two questions.
    checkServerIdentity: () => undefined,
    ...(isIP(tls.name) === 0 ? { servername: tls.name } : { host: tls.name }),
  };
  return tlsConnect(options);
}

function tlsFacts(socket: TLSSocket, name: string): OutboundTls {
  const cipher = socket.getCipher() as
    | { name: string; standardName: string; version: string; bits?: number }
    | undefined;
  const trusted = socket.authorized;
  const untrusted: unknown = socket.authorizationError;
  const mismatch: NodeJS.ErrnoException | undefined = trusted
    ? checkServerIdentity(name, socket.getPeerCertificate())
    : undefined;
  const reason = mismatch === undefined ? untrusted : (mismatch.code ?? mismatch);
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: cipher?.name ?? 'unknown',
    bits: secretBits(cipher?.name ?? ''),
    verified: trusted && mismatch === undefined,
    detail: trusted && mismatch === undefined ? undefined : reason instanceof Error ? reason.message : String(reason),
    trusted,
    certificate: shown(socket),
  };
}

/** What the hop showed, in the form that requirements compare. */
function shown(socket: TLSSocket): OutboundTls['certificate'] {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const facts = readFacts({ der: new Uint8Array(certificate.raw), fingerprint: certificate.fingerprint256 });
  if (facts === undefined) return undefined;
  const { subject, issuer, commonName, dnsNames } = facts;
  return { subject, issuer, commonName, dnsNames };
}

/** Node does not tell the bits of a cipher; its name does. */
function secretBits(cipher: string): number {
  if (/AES_?256|CHACHA20|CAMELLIA256|ARIA256/.test(cipher)) return 256;
  if (/AES_?128|CAMELLIA128|ARIA128/.test(cipher)) return 128;
  if (/3DES|DES-CBC3/.test(cipher)) return 112;
  return 0;
}

function errorText(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  // What an operator knows a failure by; the rest of Node's message repeats address and port.
  const known: Record<string, string> = {
    ECONNREFUSED: 'Connection refused',
    ETIMEDOUT: 'Connection timed out',
    ECONNRESET: 'Connection reset by peer',
    EHOSTUNREACH: 'No route to host',
    ENETUNREACH: 'Network is unreachable',
    EPIPE: 'Broken pipe',
  };
  return (code !== undefined ? known[code] : undefined) ?? error.message;
}
