/**
 * TLS for connections that come in: two contexts in all, one that asks for a client certificate and one that does not,
 * shared by every connection. Both belong to a `tls.Server` that never listens: a connection is handed to it when its
 * handshake is to begin, since only so does Node fill in `authorized`, the handshake's time limit and resumption.
 *
 * A certificate is asked for and never required here: what it is worth is said in SMTP, where the reason reaches the
 * user.
 */
import { constants } from 'node:crypto';
import {
  DEFAULT_CIPHERS,
  Server,
  getCACertificates,
  setDefaultCACertificates,
  type SecureContextOptions,
  type TlsOptions,
} from 'node:tls';
import type { Ms } from '../../base/clock.ts';
import { withTlsOptions } from '../../relay/connection/tls-option.ts';
import type { ConfiguredLists } from '../../relay/identity/configured-lists.ts';
import { staples } from './stapling.ts';
import { handshakeDone, handshakeFailed } from './server-connection.ts';

/** What the operator says of handshakes; what is left out is as it is by itself. */
export interface HandshakeRules {
  /** OpenSSL's list; those of TLSv1.3 are not touched unless one of them is named. */
  readonly ciphers?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  /** Options of OpenSSL by name (`tls-option.ts`). */
  readonly options?: readonly string[] | undefined;
  /** Certificates with weak keys and signatures verify. */
  readonly weakSignatures?: boolean | undefined;
}

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
  /** As believed as those, but not named to clients: a directory may hold hundreds; PEM. */
  readonly unnamedAuthorities?: readonly string[] | undefined;
  /** What those of them that the access map decides about have revoked. It is judged after the handshake. */
  readonly revocation?: ConfiguredLists | undefined;
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
  readonly rules?: HandshakeRules | undefined;
  /** Why there is no certificate to speak TLS with, which is then empty like its key; undefined: there is one. */
  readonly unusable?: string | undefined;
  /** What the operator should know about the files. */
  readonly remarks?: readonly string[] | undefined;
}

export interface TlsSettings {
  /** Time for a handshake. */
  readonly handshakeTime: Ms;
  /** How long a session can be resumed. */
  readonly resumptionTime?: Ms;
}

export interface TlsContexts {
  /** False while there is no certificate: then no handshake can succeed. */
  readonly usable: boolean;
  /** Does the handshakes in which a client certificate is asked for, or those in which none is. */
  server(asking: boolean): Server;
  /** Puts new material in place for handshakes that begin from now on. Throws, and leaves all as it was, when it is unusable. */
  swap(material: TlsMaterial): void;
}

const HOUR: Ms = 3_600_000;

/** Throws an Error that says what is wrong when the material is unusable. */
export function tlsContexts(material: TlsMaterial, settings: TlsSettings): TlsContexts {
  const asking = contextServer(material, settings, true);
  const silent = contextServer(material, settings, false);
  let { staple, unusable } = material;
  for (const server of [asking, silent]) staples(server, () => staple);
  return {
    get usable() {
      return unusable === undefined;
    },
    server: (asked) => (asked ? asking : silent),
    swap(next) {
      // A context that cannot be made throws before the old one is touched; both take the same certificate and key.
      withUnnamed(next, () => asking.setSecureContext(optionsOf(next, settings, true)), asking);
      withUnnamed(next, () => silent.setSecureContext(optionsOf(next, settings, false)), silent);
      ({ staple, unusable } = next);
    },
  };
}

function contextServer(material: TlsMaterial, settings: TlsSettings, asking: boolean): Server {
  const server = withUnnamed(material, () => new Server(optionsOf(material, settings, asking)));
  server.on('secureConnection', (socket) => handshakeDone(socket, asking));
  server.on('tlsClientError', handshakeFailed);
  return server;
}

function optionsOf(material: TlsMaterial, settings: TlsSettings, asking: boolean): TlsOptions {
  const { certificate, key, authorities, unnamedAuthorities = [], ticketKeys, minimum, rules } = material;
  return {
    ...(material.unusable === undefined ? { cert: certificate, key } : {}),
    // An empty list, unlike none at all, keeps the system's authorities out. None at all: see withUnnamed.
    ...(unnamedAuthorities.length === 0 ? { ca: [...authorities] } : {}),
    ...handshakeOptions(minimum, rules),
    requestCert: asking,
    rejectUnauthorized: false,
    // OpenSSL refuses to resume a session that has a client certificate without one, and a session made where no
    // certificate was asked for must not be resumed where one is.
    sessionIdContext: asking ? 'sealpost-asking' : 'sealpost-silent',
    sessionTimeout: Math.floor((settings.resumptionTime ?? HOUR) / 1000),
    handshakeTimeout: settings.handshakeTime,
    ...(ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys) }),
  };
}

/** The ciphers of TLSv1.3: Node takes that version away when a list names none of them. */
const THIRTEEN = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';
const GROUPS = ['X25519MLKEM768', 'X25519', 'P-256', 'P-384'];
/** TLS 1.2 lets a client begin anew in the middle: work for us at no cost to it, maybe with another certificate. */
const OPTIONS = constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE;

/** The part of a context's options that is no certificate. */
export function handshakeOptions(
  minimum: TlsMaterial['minimum'] = 'TLSv1.2',
  { ciphers, groups = GROUPS, options = [], weakSignatures = false }: HandshakeRules = {},
): SecureContextOptions {
  const list = ciphers?.replaceAll(/[ ,]+/g, ':') ?? (weakSignatures ? DEFAULT_CIPHERS : undefined);
  const whole = list === undefined || /(?:^|:)TLS_/.test(list) ? list : `${THIRTEEN}:${list}`;
  const secureOptions = withTlsOptions(OPTIONS, options);
  return {
    minVersion: minimum,
    secureOptions,
    honorCipherOrder: (secureOptions & constants.SSL_OP_CIPHER_SERVER_PREFERENCE) !== 0,
    ecdhCurve: groups.join(':'),
    // Node offers no DHE by itself: where somebody gives a list, the list says.
    ...(ciphers === undefined ? {} : { dhparam: 'auto' }),
    // OpenSSL's level 2 is what refuses them: RSA below 2048 bits, MD5, SHA-1.
    ...(whole === undefined ? {} : { ciphers: weakSignatures ? `${whole}:@SECLEVEL=0` : whole }),
  };
}

/** A TLS server's context, by a name that Node has for itself. */
interface Sharing {
  readonly _sharedCreds: { readonly context: { addCACert(pem: string): void } };
}

/**
 * Node tells clients the name of each CA in `ca`. Those that are not to be named go in as the default CAs of this thread,
 * which count where there is no `ca`, while the context is made; those that are to be named are then put on top.
 */
function withUnnamed<T extends Server | void>(material: TlsMaterial, make: () => T, server?: Server): T {
  const { authorities, unnamedAuthorities = [] } = material;
  if (unnamedAuthorities.length === 0) return make();
  const usual = getCACertificates('default');
  setDefaultCACertificates([...unnamedAuthorities]);
  try {
    const made = make();
    const { _sharedCreds: shared } = (made ?? server) as unknown as Sharing;
    for (const pem of authorities) shared.context.addCACert(pem);
    return made;
  } finally {
    setDefaultCACertificates(usual);
  }
}
