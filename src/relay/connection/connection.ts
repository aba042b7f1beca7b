/**
 * Step 1, connection: a socket's facts, and admission by address and number. It never reads SMTP.
 * Before it: the listener in `platform/net`. After it: `relay/session`.
 */

/** A certificate as the peer showed it. */
export interface PeerCertificate {
  /** The leaf, DER. */
  readonly der: Uint8Array;
  /** SHA-256 of `der`, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Certificates that it sent along, DER, in its order and unchecked; a resumed session has none. */
  readonly issuers?: readonly Uint8Array[] | undefined;
}

/** What TLS found out. Words and names are OpenSSL's. */
export interface TlsFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  /** OpenSSL's cipher name, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Secret bits of the cipher. */
  readonly bits: number;
  /** Whether a client certificate was asked for. */
  readonly asked: boolean;
  readonly certificate: PeerCertificate | undefined;
  /** Node's word for why the chain did not verify (`CERT_HAS_EXPIRED`…); undefined when it did, or none was shown. */
  readonly verifyError: string | undefined;
  readonly resumed: boolean;
  readonly serverName: string | undefined;
}

/** RFC 9266 (for TLS 1.3), RFC 5929 §4. */
export type ChannelBinding = 'tls-exporter' | 'tls-server-end-point';

/** How a listener treats client certificates. */
export type CertificateRequest = 'no' | 'ask' | 'require';

/** What a listener is for: `submission` takes mail from holders and completes it, `relay` also takes mail for our domains. */
export type ListenerRole = 'submission' | 'relay';

/** A listener as the configuration names it. */
export interface ListenerSettings {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly role: ListenerRole;
  readonly tls: 'none' | 'starttls' | 'implicit';
  readonly certificates: CertificateRequest;
  /** AUTH: not offered, or needed before MAIL; without it, offered. */
  readonly auth?: 'offer' | 'no' | 'require';
}

/**
 * One SMTP connection, as the session sees it. Implemented by `platform/net/server-connection.ts` on a socket,
 * by `test/fakes/connection.ts` in memory. Handlers are called one at a time and never inside a call of ours.
 */
export interface Connection {
  readonly listener: ListenerSettings;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Undefined until TLS is up. */
  readonly tls: TlsFacts | undefined;
  /** Sends; returns false when the peer is slow: wait for `drained` before sending more. */
  send(bytes: Uint8Array): boolean;
  /** Stop and go on reading. Bytes already read may still arrive once after pause(). */
  pause(): void;
  resume(): void;
  /** Whether there is a certificate to speak TLS with; it may come, but does not go, while the connection is open. */
  readonly tlsUsable: boolean;
  /**
   * Starts the TLS handshake as the server; `secured` or `closed` follows. Only after the 220 was sent. `ask`: whether a
   * client certificate is asked for; undefined: as the listener says.
   */
  startTls(ask?: boolean): void;
  /** What binds a login to this TLS session (RFC 5056); computed when asked. Undefined without TLS, or where it has none of this kind. */
  channelBinding(type: ChannelBinding): Uint8Array | undefined;
  /** Sends what was handed over, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  /** Set once, by the session, before the first byte arrives. */
  handler: ConnectionHandler;
}

export interface ConnectionHandler {
  received(bytes: Uint8Array): void;
  secured(tls: TlsFacts): void;
  drained(): void;
  /** The peer closed its side in order. */
  ended(): void;
  /** The connection is gone; `detail` says why when it was an error. */
  closed(detail: string | undefined): void;
}
