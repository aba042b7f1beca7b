import { createServer, type AddressInfo, type Socket } from 'node:net';
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
    reject(new Fault(statuses['local-error'], `cannot listen on ${where}: ${listenAdvice(error)}`, error));
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

/**
 * Whether an address is free, before threads share it by `reusePort`: to the kernel another relay of the same user looks
 * like one more of these threads, and would quietly get a part of our clients. Rejects with the Fault that listen() gives.
 */
export async function checkFree(settings: ListenerSettings): Promise<void> {
  if (settings.port === 0) return;
  const alone = { reusePort: false, backlog: 1, onTrouble: () => {} };
  const listener = await listen({ ...settings, tls: 'none' }, alone, undefined, (connection) => connection.destroy());
  await listener.close();
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
