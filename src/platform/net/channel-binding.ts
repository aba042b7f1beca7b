import { hash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ChannelBinding } from '../../relay/connection/connection.ts';

/** RFC 9266 §4: label, no context, 32 octets. */
const LABEL = 'EXPORTER-Channel-Binding';
const OCTETS = 32;

/** What binds a login to this TLS session, on the server's side; undefined where it is not defined. */
export function channelBinding(socket: TLSSocket, type: ChannelBinding): Uint8Array | undefined {
  return type === 'tls-exporter' ? exported(socket) : endPoint(socket);
}

/**
 * Only of TLS 1.3: before it the value is unique only with the extended master secret (RFC 9266 §3), and Node does not tell
 * whether that was agreed on.
 */
function exported(socket: TLSSocket): Uint8Array | undefined {
  if (socket.destroyed || socket.getProtocol() !== 'TLSv1.3') return undefined;
  return new Uint8Array(socket.exportKeyingMaterial(OCTETS, LABEL, Buffer.alloc(0)));
}

/**
 * RFC 5929 §4.1: the hash of our certificate, by the hash of its signature, or SHA-256 in place of weaker ones. A signature
 * without a hash of its own (EdDSA) has no such binding.
 */
function endPoint(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.destroyed ? undefined : socket.getX509Certificate();
  if (certificate === undefined) return undefined;
  const [, name] = /(MD5|SHA1|SHA224|SHA256|SHA384|SHA512)/i.exec(certificate.signatureAlgorithm ?? '') ?? [];
  if (name === undefined) return undefined;
  const weak = /^(?:MD5|SHA1)$/i.test(name);
  return new Uint8Array(hash(weak ? 'sha256' : name.toLowerCase(), certificate.raw, 'buffer'));
}
