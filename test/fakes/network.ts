import type {
  DialResult,
  DialTarget,
  DialTls,
  Dialer,
  OutboundConnection,
  OutboundHandler,
  OutboundTls,
} from '../../src/relay/delivery/dialer.ts';

/** The server's end of a pipe, for whoever listens in the network. */
export interface Peer {
  readonly target: DialTarget;
  /** Set by the listener: bytes from the client. */
  received: (bytes: Uint8Array) => void;
  /** Set by the listener: the client closed, or destroyed, the pipe. */
  closed: () => void;
  /** Set by the listener: the client begins a handshake; the result is what the client is told, a text fails it. */
  handshake: (tls: DialTls) => OutboundTls | string;
  send(bytes: Uint8Array | string): void;
  /** Ends the pipe in order, after what was sent. */
  end(): void;
  /** Breaks the pipe. */
  reset(detail?: string): void;
}

/** Called for each connection. A text refuses it. */
export type Listener = (peer: Peer) => void | string;

export interface FakeNetwork extends Dialer {
  /** `address:port` to who listens there; what is not here refuses. */
  readonly listeners: Map<string, Listener>;
  /** `address:port` of all that was dialled, in order. */
  readonly dialled: string[];
  /** Pipes that are open now. */
  readonly open: Set<Peer>;
}

const VERIFIED: OutboundTls = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  verified: true,
  detail: undefined,
  trusted: true,
  certificate: undefined,
};

/** A network in memory. Bytes arrive in order, each time from the microtask queue, so that nobody is called from inside its own call. */
export function fakeNetwork(): FakeNetwork {
  const listeners = new Map<string, Listener>();
  const dialled: string[] = [];
  const open = new Set<Peer>();

  function dial(target: DialTarget, handler: OutboundHandler, signal: AbortSignal): Promise<DialResult> {
    const name = `${target.address}:${target.port}`;
    dialled.push(name);
    const listener = listeners.get(name);
    if (signal.aborted) return Promise.resolve({ kind: 'failed', stage: 'connect', detail: 'the attempt was stopped' });
    if (listener === undefined)
      return Promise.resolve({ kind: 'failed', stage: 'connect', detail: 'Connection refused' });

    let alive = true;
    let silent = false;
    let tls: OutboundTls | undefined;
    const toClient = (action: () => void): void =>
      queueMicrotask(() => {
        if (!silent) action();
      });
    const toServer = (action: () => void): void => queueMicrotask(() => action());
    const close = (): void => {
      alive = false;
      open.delete(peer);
    };
    const peer: Peer = {
      target,
      received: () => {},
      closed: () => {},
      handshake: () => VERIFIED,
      send(bytes) {
        if (!alive) return;
        const copy = Uint8Array.from(typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes);
        toClient(() => handler.received(copy));
      },
      end() {
        if (!alive) return;
        close();
        toClient(() => handler.ended());
        toClient(() => {
          silent = true;
          handler.closed(undefined);
        });
      },
      reset(detail = 'Connection reset by peer') {
        if (!alive) return;
        close();
        toClient(() => {
          silent = true;
          handler.closed(detail);
        });
      },
    };
    const connection: OutboundConnection = {
      get tls() {
        return tls;
      },
      send(bytes) {
        if (alive) toServer(() => peer.received(bytes));
        return true;
      },
      startTls(wanted) {
        toServer(() => {
          if (!alive) return;
          const result = peer.handshake(wanted);
          if (typeof result === 'string') return peer.reset(result);
          tls = result;
          toClient(() => handler.secured(result));
        });
      },
      end() {
        silent = true;
        close();
        toServer(() => peer.closed());
      },
      destroy() {
        if (silent) return;
        silent = true;
        close();
        toServer(() => peer.closed());
      },
    };
    open.add(peer);
    const refusal = listener(peer);
    if (typeof refusal === 'string') {
      silent = true;
      close();
      return Promise.resolve({ kind: 'failed', stage: 'connect', detail: refusal });
    }
    if (target.implicitTls !== undefined) {
      const result = peer.handshake(target.implicitTls);
      if (typeof result === 'string') {
        silent = true;
        close();
        return Promise.resolve({ kind: 'failed', stage: 'tls', detail: result });
      }
      tls = result;
    }
    return Promise.resolve({ kind: 'connected', connection });
  }

  return { dial, listeners, dialled, open };
}
