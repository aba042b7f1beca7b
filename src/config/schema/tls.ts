/** The TLS of the listeners. */
import { z } from 'zod';
import { isTlsOption } from '../../relay/connection/tls-option.ts';
import type { Config } from '../schema.ts';
import { flag, path } from './values.ts';

export const tls: z.ZodType<Config['tls']> = z
  .strictObject({
    certificate: path
      .default('tls/server.crt')
      .describe(
        'PEM file of the server certificate, followed by its chain. `sealpost init` makes one from its own CA.',
      ),
    key: path.default('tls/server.key').describe('PEM file of the key of the server certificate.'),
    authorities: z
      .array(path)
      .default([])
      .describe(
        'PEM files of other CAs whose client certificates are believed. Put root certificates in, not intermediates. The system store is never used.',
      ),
    ownAuthority: flag(true, 'Whether client certificates of our own CA are believed.'),
    minimum: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .default('TLSv1.2')
      .describe('Oldest TLS version that is spoken with clients.'),
    authorityPaths: z
      .array(path)
      .default([])
      .describe(
        'Directories of CAs as `openssl rehash` makes them: what is found there by its hash (`9da13359.0`), link or file, is believed like those of `authorities`, but is not named to clients. Files with other names do not count.',
      )
      .meta({ examples: [['/etc/mail/certs']] }),
    ciphers: z
      .string()
      .regex(/^[A-Za-z0-9_+!@=:, -]+$/, "write OpenSSL's list of ciphers such as HIGH:!aNULL")
      .optional()
      .meta({
        description:
          "OpenSSL's list of ciphers for TLSv1.2, and of those of TLSv1.3 when any is named (TLS_AES_256_GCM_SHA384); without it, those of Node. `@SECLEVEL=0` in it also lets weak keys and signatures in certificates pass, for 2 is in force else.",
        type: 'string',
        examples: ['HIGH:!aNULL'],
      }),
    groups: z
      .array(z.string().regex(/^[A-Za-z0-9_-]+$/, 'write the name of a group such as P-256 or X25519'))
      .min(1, 'write at least one group such as P-256')
      .optional()
      .meta({
        description:
          'Groups for the exchange of keys, the first is preferred; without it X25519MLKEM768, X25519, P-256 and P-384. Under TLSv1.2 a client key must be of one of them, too.',
        examples: [['X25519', 'P-256']],
      }),
    options: z
      .array(
        z
          .string()
          .refine(isTlsOption, 'write an option of OpenSSL such as SSL_OP_NO_TLSv1_3, or -SSL_OP_… to take it away')
          .refine((text) => text !== '-SSL_OP_NO_RENEGOTIATION', 'leave it out: renegotiation cannot be allowed'),
      )
      .default([])
      .describe("OpenSSL's options by name, after `+` or nothing to set one and after `-` to take it away.")
      .meta({ examples: [['SSL_OP_NO_TICKET', '-SSL_OP_CIPHER_SERVER_PREFERENCE']] }),
    revocationLists: z
      .array(path)
      .default([])
      .describe(
        'Files with revocation lists (CRLs), PEM or DER, of the CAs whose client certificates are believed. A certificate that its CA lists counts for nothing, and so does every certificate of a CA whose list has run out or is not signed by it. A CA without a list is not asked. They are read again when they change.',
      )
      .meta({ examples: [['tls/partner.crl']] }),
    revocationPaths: z
      .array(path)
      .default([])
      .describe('Directories of revocation lists as `openssl rehash` makes them (`9da13359.r0`).')
      .meta({ examples: [['/etc/mail/crls']] }),
    unusable: z
      .enum(['refuse', 'no-starttls'])
      .default('refuse')
      .describe(
        'What is done when the relay starts and a file that TLS needs is missing or no good: `refuse` to start, or go on in clear with no STARTTLS offered until the file is good. Where only a revocation list is no good, TLS is spoken and client certificates count for nothing.',
      ),
    keyMode: z
      .enum(['any', 'group', 'owner'])
      .default('any')
      .describe(
        'Who else may be able to read the file of `tls.key` before it is unusable: with `owner` nobody, with `group` its group. With `any` a key that all users can read is told and used.',
      ),
  })
  .prefault({} as never)
  .describe('Server certificate, and whose client certificates are believed.');
