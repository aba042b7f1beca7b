/** What is served by HTTP. */
import { z } from 'zod';
import type { WebListenerConfig, Config } from '../schema.ts';
import { count, flag, network, address } from './values.ts';

const webListener = (port: number, enabled: string, what: string): z.ZodType<WebListenerConfig> =>
  z
    .strictObject({
      enabled: flag(true, enabled),
      address: address
        .default('127.0.0.1')
        .describe('Address to listen on; `::` is all of IPv6 and IPv4, `127.0.0.1` this machine alone.'),
      port: z
        .int()
        .min(0)
        .max(65_535)
        .default(port)
        .describe('Port; `portOffset` does not count. 0 takes any free port.'),
    })
    .prefault({} as never)
    .describe(what);

export const acme: z.ZodType<Config['acme']> = z
  .strictObject({
    enabled: flag(
      true,
      'Whether hosts may get certificates by ACME on `web.https`. Nobody can open an account without a key made by `sealpost acme key`.',
    ),
    networks: z
      .array(network)
      .default([])
      .describe(
        'Networks from which the proof of an http-01 challenge may be fetched. Empty: from everywhere, private networks included, but not from this machine (127.0.0.0/8, ::1), its link (169.254.0.0/16, fe80::/10) and addresses of special use.',
      )
      .meta({ examples: [['10.0.0.0/8', '2001:db8::/32']] }),
    httpPort: count(
      80,
      'Port of hosts from which the proof of an http-01 challenge is fetched (RFC 8555 §8.3 says 80).',
      1,
      65_535,
    ),
    ordersPerHour: count(60, 'Orders of one account in an hour.', 1, 100_000),
  })
  .prefault({} as never)
  .describe('Certificates for hosts by ACME (RFC 8555).');

export const web: z.ZodType<Config['web']> = z
  .strictObject({
    http: webListener(
      8_480,
      'Whether HTTP is served.',
      'HTTP: revocation lists, OCSP and CA certificates, and the ACME challenges of hosts. Nothing else is reachable without TLS.',
    ),
    https: webListener(
      8_443,
      'Whether HTTPS is served.',
      'HTTPS with the server certificate: the same, and where certificates are asked for and renewed (EST, ACME).',
    ),
    connections: count(1_000, 'Connections at once, on each of both.', 1, 100_000),
    connectionsByAddress: count(
      100,
      'Connections at once from one address (IPv6: from one /64), on each of both. A proxy before them is one address.',
      1,
      100_000,
    ),
  })
  .prefault({} as never)
  .describe('What the CA serves to others. A port that cannot be opened is told, and stops no mail.');
