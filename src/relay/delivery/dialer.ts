import type { TlsPeerCertificate } from '../access/tls-requirement.ts';
import type { Authorities, ClientIdentity } from './settings.ts';

/** How TLS is done with one hop. Whether a certificate that does not verify is good enough is the caller's decision. */
export interface DialTls {
  /** The name the hop's certificate must have, and SNI when it is no address. */
  readonly name: string;
  /** What we show; undefined: nothing. */
  readonly identity: ClientIdentity | undefined;
  /** Undefined: the authorities that came with Node. */
  readonly authorities: Authorities | undefined;
}

export interface DialTarget {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** TLS from the first byte. */
  readonly implicitTls?: DialTls;
}

/** What TLS with a hop found out. Words and names are OpenSSL's. */
export interface OutboundTls {
  readonly version: string;
  readonly cipher: string;
  readonly bits: number;
  /** Chain and name are good. */
  readonly verified: boolean;
  /** Why not; undefined when verified. */
  readonly detail: string | undefined;
  /** The chain is good, whoever the certificate is for: Sendmail's verify=OK. */
  readonly trusted: boolean;
  /** What the hop showed; undefined when it cannot be read. */
  readonly certificate: TlsPeerCertificate | undefined;
}

/** Called one at a time and never inside a call of ours. Nothing follows `closed`. */
export interface OutboundHandler {
  received(bytes: Uint8Array): void;
  /** The handshake of startTls() is done. When it fails, `closed` comes with a detail. */
  secured(tls: OutboundTls): void;
  /** After send() gave false: more may be sent. */
  drained(): void;
  /** The peer closed its side in order. */
  ended(): void;
  closed(detail: string | undefined): void;
}

/** A connection to a hop. */
export interface OutboundConnection {
  /** Undefined until TLS is up. */
  readonly tls: OutboundTls | undefined;
  /** Sends; false when the peer is slow: wait for `drained` before sending more. The bytes must not change afterwards. */
  send(bytes: Uint8Array): boolean;
  /** Starts the handshake as the client; only after the 220 to STARTTLS. */
  startTls(tls: DialTls): void;
  /** Sends what was handed over, then closes. */
  end(): void;
  /** Closes at once; `closed` is not called. */
  destroy(): void;
}

export type DialResult =
  | { readonly kind: 'connected'; readonly connection: OutboundConnection }
  /** `stage` tls: the connection was there and implicit TLS failed. */
  | { readonly kind: 'failed'; readonly stage: 'connect' | 'tls'; readonly detail: string };

/**
 * Opens connections; implemented by `platform/net/dialer.ts` on sockets, by `test/fakes/network.ts` in memory.
 * Never rejects; an aborted signal before the connection is there gives `failed`, later it means nothing.
 */
export interface Dialer {
  dial(target: DialTarget, handler: OutboundHandler, signal: AbortSignal): Promise<DialResult>;
}
