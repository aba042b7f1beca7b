import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import type { Connection, ListenerSettings } from '../../relay/connection/connection.ts';
import { ServerConnection } from './server-connection.ts';
import type { TlsContexts } from './tls-contexts.ts';

export interface ListenOptions {
  /** Several threads listen on the same port, and the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** Connections that may wait to be accepted. */
  readonly backlog: number;
  /** Told when accepting fails later on (out of descriptors, for one). */
  readonly onTrouble: (detail: string) => void;
}

export interface OpenListener {
  readonly address: string;
  /** The one that was given by the kernel when port 0 was asked for. */
  readonly port: number;
  /** Accepts no more; connections that are open stay. */
  close(): Promise<void>;
}

/**
 * Listens, and hands over each connection once; its handler must be set before `onConnection` returns. TLS is begun
 * by the session, on ports of implicit TLS too, so that admission comes before the cost of a handshake.
 * `tls` may be undefined only for a listener without TLS. Rejects with a Fault that names address and reason.
 */
export function listen(
  settings: ListenerSettings,
  options: ListenOptions,
  tls: TlsContexts | undefined,
  onConnection: (connection: Connection) => void,
): Promise<OpenListener> {
  const contexts = settings.tls === 'none' ? undefined : tls;
  const { promise, resolve, reject } = Promise.withResolvers<OpenListener>();
  // Half-open: a client that sends all its commands and closes its side still gets the replies.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket: Socket) => {
    if (socket.remoteAddress === undefined) socket.destroy(); // gone again before we saw it
    else onConnection(new ServerConnection(socket, settings, contexts));
  });
  const where = `${settings.name}: ${settings.address.includes(':') ? `[${settings.address}]` : settings.address}:${settings.port}`;
  const onStartError = (error: NodeJS.ErrnoException): void => {
    reject(listenFault(settings, error));
  };
  server.once('error', onStartError);
  server.listen(
    { host: settings.address, port: settings.port, backlog: options.backlog, reusePort: options.reusePort },
    () => {
      server.off('error', onStartError);
      server.on('error', (error) => options.onTrouble(`listener ${where}: ${error.message}`));
      const { address, port } = server.address() as AddressInfo;
      resolve({
        address,
        port,
        close: () => {
          // The callback waits for open connections, which have their own end; accepting stops here and now.
          server.close();
          return Promise.resolve();
        },
      });
    },
  );
  return promise;
}

/** Somebody on this machine answers at once, or is not there. */
const PROBE_TIME: Ms = 1_000;

/**
 * Whether an address is free, before threads share it by `reusePort`: to the kernel another relay of the same user looks
 * like one more of these threads, and would quietly get a part of our clients. Rejects with the Fault that listen() gives.
 *
 * It knocks and does not listen: a port that is open for a moment and then closed again, while the threads start, would
 * turn clients away and tell whoever waits for the relay that it is ready.
 */
export function checkFree({ name, address, port }: ListenerSettings): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (port === 0) return Promise.resolve();
  const socket = connect({ host: address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address, port });
  socket.setTimeout(PROBE_TIME, () => socket.destroy());
  socket.on('connect', () => {
    // TCP lets a socket meet itself, where the port is among those that the kernel gives to clients.
    const taken = socket.localPort !== port;
    socket.destroy();
    if (taken) reject(listenFault({ name, address, port }, { code: 'EADDRINUSE' } as NodeJS.ErrnoException));
  });
  socket.on('error', () => {}); // nobody is there, or listen() will say what is wrong
  socket.on('close', () => resolve());
  return promise;
}

function listenFault(
  { name, address, port }: Pick<ListenerSettings, 'name' | 'address' | 'port'>,
  error: NodeJS.ErrnoException,
): Fault {
  const where = `${name}: ${address.includes(':') ? `[${address}]` : address}:${port}`;
  return new Fault(statuses['local-error'], `cannot listen on ${where}: ${listenAdvice(error)}`, error);
}

function listenAdvice(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'another program listens there';
    case 'EACCES':
      return 'ports below 1024 need root, or CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    default:
      return error.message;
  }
}
