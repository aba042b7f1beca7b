/**
 * HTTP/1.1 listeners for what the CA shows: sockets into the values of `ca/web.ts`. Node's strict parser does the
 * syntax; here are the bounds that keep one client from taking what others need (size, time, connections, requests at
 * once), and the answers that no handler gives. It decides nothing about certificates.
 */
import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { concat, type Bytes } from '../../base/bytes.ts';
import { findRoute, plainAnswer, type WebResponse, type WebRoute } from '../../ca/web.ts';
import { addressKey, localCounts } from '../../relay/connection/admission.ts';
import { staples } from '../net/stapling.ts';
import { fresh } from './caching.ts';
import { peerCertificate, webTlsOptions, type WebTls } from './server-tls.ts';

export interface WebListenerSettings {
  readonly name: 'http' | 'https';
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Connections at once, in all and from one address (IPv6: one /64). */
  readonly connections: number;
  readonly connectionsByAddress: number;
}

export interface WebServerParts {
  /** Asked for each request, so that routes may change. */
  readonly routes: () => readonly WebRoute[];
  /** For https; undefined: http. */
  readonly tls: WebTls | undefined;
  readonly onTrouble: (detail: string) => void;
}

export interface OpenWebListener {
  readonly name: 'http' | 'https';
  readonly address: string;
  readonly port: number;
  /** For handshakes that begin from now on. Throws, and changes nothing, when the material is unusable. */
  swap(tls: WebTls): void;
  /** Accepts no more; resolves when requests under way are answered, or were cut after `grace` ms. */
  close(grace: number): Promise<void>;
}

const MAX_HEADER = 16 * 1024;
const MAX_HEADERS = 64;
/** RFC 9112 §3 recommends 8,000 octets; ours are far shorter, the longest an OCSP request in base64. */
const MAX_TARGET = 4_096;
/** Requests in the hands of handlers. */
const MAX_AT_ONCE = 256;
/** Pipelined by one connection and not answered. */
const MAX_PIPELINED = 16;
const HEADER_TIME = 10_000;
const REQUEST_TIME = 30_000;
const KEEP_ALIVE = 5_000;
const SILENCE = 60_000;
/** A reader slower than this for a CRL reads on purpose. */
const CONNECTION_TIME = 600_000;
const REQUESTS_BY_CONNECTION = 10_000;
/** The same trouble is told once in this time. */
const TELL_AGAIN = 60_000;

const GUARDS = ['x-content-type-options', 'nosniff', 'content-security-policy', "default-src 'none'"] as const;

/** Opens a listener. Rejects with an Error that names address and reason. */
export async function openWebListener(settings: WebListenerSettings, parts: WebServerParts): Promise<OpenWebListener> {
  const bounds = {
    maxHeaderSize: MAX_HEADER,
    headersTimeout: HEADER_TIME,
    requestTimeout: REQUEST_TIME,
    keepAliveTimeout: KEEP_ALIVE,
    connectionsCheckingInterval: 1_000,
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  };
  const tlsServer = parts.tls === undefined ? undefined : createTlsServer({ ...bounds, ...webTlsOptions(parts.tls) });
  let { tls } = parts;
  if (tlsServer !== undefined) staples(tlsServer, () => tls?.staple);
  const server: Server = tlsServer ?? createPlainServer(bounds);
  server.maxHeadersCount = MAX_HEADERS;
  server.maxRequestsPerSocket = REQUESTS_BY_CONNECTION;
  server.timeout = SILENCE;
  boundConnections(server, settings);
  new Requests(parts).attach(server);

  const where = `${settings.name} ${settings.address.includes(':') ? `[${settings.address}]` : settings.address}:${settings.port}`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) => reject(new Error(`cannot listen on ${where}: ${error.message}`, { cause: error })));
  server.listen({ host: settings.address, port: settings.port }, resolve);
  await promise;
  server.on('error', (error) => parts.onTrouble(`listener ${where}: ${error.message}`));
  const { address, port } = server.address() as AddressInfo;
  return {
    name: settings.name,
    address,
    port,
    swap(next) {
      tlsServer?.setSecureContext(webTlsOptions(next));
      tls = next;
    },
    close: (grace) => closeServer(server, grace),
  };
}

async function closeServer(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(cut);
}

/** Counts raw connections, before TLS costs anything. One too many is closed without a word, as a full backlog would. */
function boundConnections(server: Server, settings: WebListenerSettings): void {
  const counts = localCounts();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    const key = addressKey(socket.remoteAddress ?? '');
    open += 1;
    const ofAddress = counts.enter(key);
    const end = setTimeout(() => socket.destroy(), CONNECTION_TIME);
    end.unref();
    socket.once('close', () => {
      clearTimeout(end);
      open -= 1;
      counts.leave(key);
    });
    if (open > settings.connections || ofAddress > settings.connectionsByAddress) socket.destroy();
  });
}

class Requests {
  readonly #parts: WebServerParts;
  readonly #pending = new WeakMap<Duplex, number>();
  readonly #told = new Map<string, number>();
  #atOnce = 0;

  constructor(parts: WebServerParts) {
    this.#parts = parts;
  }

  attach(server: Server): void {
    server.on('request', (request, response) => this.#take(request, response, false));
    // A body that will be refused is not asked for.
    server.on('checkContinue', (request, response) => this.#take(request, response, true));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#unreadable(error, socket));
  }

  #take(request: IncomingMessage, response: ServerResponse, wantsContinue: boolean): void {
    const { socket } = request;
    const pending = (this.#pending.get(socket) ?? 0) + 1;
    this.#pending.set(socket, pending);
    this.#atOnce += 1;
    response.once('close', () => {
      this.#atOnce -= 1;
      this.#pending.set(socket, (this.#pending.get(socket) ?? 1) - 1);
    });
    if (pending > MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    if (this.#atOnce > MAX_AT_ONCE) {
      refuse(response, plainAnswer(503, 'busy; try again', { 'retry-after': '1' }));
      return;
    }
    const target = readTarget(request);
    const route = target === undefined ? undefined : findRoute(this.#parts.routes(), target.path, this.#isSecure());
    const refusal = refusalOf(request, target, route);
    if (refusal !== undefined) refuse(response, refusal);
    else if (target !== undefined && route !== undefined) {
      if (wantsContinue) response.writeContinue();
      this.#serve(request, response, target, route);
    }
  }

  #isSecure(): boolean {
    return this.#parts.tls !== undefined;
  }

  #serve(request: IncomingMessage, response: ServerResponse, target: Target, route: WebRoute): void {
    if (request.method !== 'POST') {
      this.#answer(request, response, target, route, EMPTY);
      return;
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length > route.maxBody) {
        request.removeAllListeners('data').removeAllListeners('end');
        refuse(response, TOO_LARGE);
      } else parts.push(part);
    });
    request.on('end', () => this.#answer(request, response, target, route, concat(parts)));
    request.on('error', () => response.destroy());
  }

  #answer(request: IncomingMessage, response: ServerResponse, target: Target, route: WebRoute, body: Bytes): void {
    const fail = (error: unknown): void => {
      this.#tell(`${route.path}: ${error instanceof Error ? error.message : String(error)}`);
      send(response, plainAnswer(500, 'internal error'));
    };
    try {
      const { socket, headers } = request;
      const answered = route.handle({
        method: request.method ?? '',
        ...target,
        // Only Set-Cookie is ever a list, and no request has it.
        headers: headers as Readonly<Record<string, string>>,
        body,
        secure: this.#isSecure(),
        address: socket.remoteAddress ?? '',
        certificate: this.#isSecure() ? peerCertificate(socket) : undefined,
      });
      if (answered instanceof Promise) answered.then((answer) => send(response, answer)).catch(fail);
      else send(response, answered);
    } catch (error) {
      fail(error);
    }
  }

  /** What the parser refused, or what did not come in time. */
  #unreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
    // An answer in the middle of another would be taken for a part of it.
    if (!socket.writable || error.code === 'ECONNRESET' || (this.#pending.get(socket) ?? 0) > 0) {
      socket.destroy();
      return;
    }
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
  }

  #tell(detail: string): void {
    const now = performance.now();
    if (now - (this.#told.get(detail) ?? -TELL_AGAIN) < TELL_AGAIN) return;
    if (this.#told.size > 100) this.#told.clear();
    this.#told.set(detail, now);
    this.#parts.onTrouble(detail);
  }
}

const EMPTY: Bytes = new Uint8Array(0);
const TOO_LARGE = plainAnswer(413, 'too large');

interface Target {
  readonly path: string;
  readonly query: string;
}

/** Path and query of the request's target; absolute-form is taken too (RFC 9112 §3.2.2). Undefined: neither. */
function readTarget({ url = '' }: IncomingMessage): Target | undefined {
  const parts = /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)(?:\?([^#]*))?$/i.exec(url);
  return parts === null ? undefined : { path: parts[1] ?? '', query: parts[2] ?? '' };
}

/** What is wrong with a request before its body is looked at. */
function refusalOf(
  request: IncomingMessage,
  target: Target | undefined,
  route: WebRoute | undefined,
): WebResponse | undefined {
  const { headers, rawHeaders, method = '', url = '' } = request;
  // Node's parser takes a bare `GET /x` for HTTP/0.9, which nobody has spoken for decades.
  if (request.httpVersionMajor !== 1) return plainAnswer(505, 'HTTP/1.1 is spoken here');
  if (url.length > MAX_TARGET) return plainAnswer(414, 'URI too long');
  // RFC 9112 §3.2: two Host fields are an attempt to be two things to two readers.
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 4 && /^host$/i.test(rawHeaders[i] ?? '')) hosts += 1;
  if (hosts > 1 || target === undefined) return plainAnswer(400, 'bad request');
  if (route === undefined) return plainAnswer(404, 'not found');
  const base = method === 'HEAD' ? 'GET' : method;
  if (base !== 'GET' && base !== 'POST') return notAllowed(route);
  if (!route.methods.includes(base)) return notAllowed(route);
  const length = headers['content-length'];
  const chunked = headers['transfer-encoding'] !== undefined;
  if (base === 'GET') return chunked || Number(length ?? 0) > 0 ? plainAnswer(400, 'no body is expected') : undefined;
  if (!chunked && length === undefined) return plainAnswer(411, 'length required');
  if (Number(length ?? 0) > route.maxBody) return TOO_LARGE;
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    return plainAnswer(415, 'content encodings are not understood', { 'accept-encoding': 'identity' });
  return undefined;
}

function notAllowed(route: WebRoute): WebResponse {
  const allow = route.methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return plainAnswer(405, 'method not allowed', { allow });
}

/** Answers without reading what may still come, and ends the connection. */
function refuse(response: ServerResponse, answer: WebResponse): void {
  const unread = response.req.method !== 'GET' && response.req.method !== 'HEAD';
  send(response, unread ? { ...answer, headers: { ...answer.headers, connection: 'close' } } : answer);
}

function send(response: ServerResponse, answer: WebResponse): void {
  if (response.headersSent || response.destroyed) return;
  const { status, headers, body } = fresh(response.req, answer);
  const fields: string[] = [...GUARDS];
  for (const name in headers) fields.push(name, headers[name] ?? '');
  // RFC 9110 §8.6: neither has content, and so no length of one.
  if (status !== 204 && status !== 304) fields.push('content-length', String(body.length));
  response.writeHead(status, fields);
  if (response.req.method === 'HEAD' || body.length === 0) response.end();
  else response.end(body);
}
