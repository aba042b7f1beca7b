/**
 * TLS for connections that come in: two contexts in all, one that asks for a client certificate and one that does not,
 * shared by every connection. Both belong to a `tls.Server` that never listens: a connection is handed to it when its
 * handshake is to begin, since only so does Node fill in `authorized`, the handshake's time limit and resumption.
 *
 * A certificate is asked for and never required here: what it is worth is said in SMTP, where the reason reaches the
 * user.
 */
import { constants } from 'node:crypto';
import { Server, type TlsOptions } from 'node:tls';
import type { Ms } from '../../base/clock.ts';
import type { CertificateRequest } from '../../relay/connection/connection.ts';
import { staples } from './stapling.ts';
import { handshakeDone, handshakeFailed } from './server-connection.ts';

export interface TlsMaterial {
  /** The server's certificate, leaf first, then what it takes to reach a root; PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /**
   * Roots by which client certificates are verified; PEM, one or more in each. Only these count, never the system's.
   * Their names are sent to clients, which pick their certificate by them.
   */
  readonly authorities: readonly string[];
  /**
   * 48 random octets that encrypt session tickets. All threads of one port need the same, or resumption is luck. New
   * ones end all sessions that could be resumed: give new ones whenever a certificate or an authority is withdrawn.
   * Undefined: made here, for one thread alone.
   */
  readonly ticketKeys: Uint8Array | undefined;
  /** Oldest version that is spoken; undefined: TLSv1.2. */
  readonly minimum?: 'TLSv1.2' | 'TLSv1.3';
  /** OCSP response about the certificate, DER; undefined: nothing is stapled. */
  readonly staple?: Uint8Array | undefined;
}

export interface TlsSettings {
  /** Time for a handshake. */
  readonly handshakeTime: Ms;
  /** How long a session can be resumed. */
  readonly resumptionTime?: Ms;
}

export interface TlsContexts {
  /** Begins handshakes of a listener that treats client certificates so. */
  server(request: CertificateRequest): Server;
  /** Puts new material in place for handshakes that begin from now on. Throws, and leaves all as it was, when it is unusable. */
  swap(material: TlsMaterial): void;
}

const HOUR: Ms = 3_600_000;

/** Throws an Error that says what is wrong when the material is unusable. */
export function tlsContexts(material: TlsMaterial, settings: TlsSettings): TlsContexts {
  const asking = contextServer(material, settings, true);
  const silent = contextServer(material, settings, false);
  let { staple } = material;
  for (const server of [asking, silent]) staples(server, () => staple);
  return {
    server: (request) => (request === 'no' ? silent : asking),
    swap(next) {
      // A context that cannot be made throws before the old one is touched; both take the same certificate and key.
      asking.setSecureContext(optionsOf(next, settings, true));
      silent.setSecureContext(optionsOf(next, settings, false));
      staple = next.staple;
    },
  };
}

function contextServer(material: TlsMaterial, settings: TlsSettings, asking: boolean): Server {
  const server = new Server(optionsOf(material, settings, asking));
  server.on('secureConnection', (socket) => handshakeDone(socket, asking));
  server.on('tlsClientError', handshakeFailed);
  return server;
}

function optionsOf(material: TlsMaterial, settings: TlsSettings, asking: boolean): TlsOptions {
  const { certificate, key, authorities, ticketKeys, minimum = 'TLSv1.2' } = material;
  return {
    cert: certificate,
    key,
    // An empty list, unlike none at all, keeps the system's authorities out.
    ca: [...authorities],
    requestCert: asking,
    rejectUnauthorized: false,
    minVersion: minimum,
    // TLS 1.2 lets a client begin anew in the middle: work for us at no cost to it, maybe with another certificate.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
    // OpenSSL refuses to resume a session that has a client certificate without one, and a session made where no
    // certificate was asked for must not be resumed where one is.
    sessionIdContext: asking ? 'sealpost-asking' : 'sealpost-silent',
    sessionTimeout: Math.floor((settings.resumptionTime ?? HOUR) / 1000),
    handshakeTimeout: settings.handshakeTime,
    ...(ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys) }),
  };
}
