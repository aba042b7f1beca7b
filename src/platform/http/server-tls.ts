/** TLS of the https listener: the relay's server certificate, and client certificates of our own CA for those who renew. */
import { constants } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WebRequest } from '../../ca/web.ts';
import type { TlsMaterial } from '../net/tls-contexts.ts';

/** The SMTP side's server certificate, but `authorities` are those of our own CA alone. */
export type WebTls = Pick<TlsMaterial, 'certificate' | 'key' | 'authorities' | 'minimum' | 'staple'>;

export function webTlsOptions(tls: WebTls): ServerOptions {
  return {
    cert: tls.certificate,
    key: tls.key,
    // An empty list, unlike none at all, keeps the system's authorities out.
    ca: [...tls.authorities],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: tls.minimum ?? 'TLSv1.2',
    // Each connection is judged anew: no ticket outlives what made its certificate good.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
    ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
  };
}

/** The certificate that the client showed. A connection may outlive it, so its end is looked at each time. */
export function peerCertificate(socket: Socket): WebRequest['certificate'] {
  const { authorized } = socket as TLSSocket;
  const leaf = (socket as TLSSocket).getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  return { der: new Uint8Array(leaf.raw), verified: authorized && leaf.validToDate.getTime() > Date.now() };
}
