import type { Server } from 'node:tls';

/**
 * Shows clients that ask for it (status_request, RFC 6066 §8) what our OCSP responder says of the server's own certificate,
 * so that they need not ask it. Without a response the handshake goes on as if they had not asked.
 */
export function staples(server: Server, response: () => Uint8Array | undefined): void {
  server.on('OCSPRequest', (_certificate, _issuer, give) => {
    const staple = response();
    give(null, staple === undefined ? null : Buffer.from(staple));
  });
}
