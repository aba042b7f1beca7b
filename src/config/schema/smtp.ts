/** How the server speaks, and logins. */
import { z } from 'zod';
import { privacyFlags, type PrivacyFlag } from '../../protocol/smtp/server-manner.ts';
import { mechanisms } from '../../relay/session/auth/registry.ts';
import type { Config } from '../schema.ts';
import { duration, count, flag, domain } from './values.ts';

export const smtp: z.ZodType<Config['smtp']> = z
  .strictObject({
    dialect: z
      .enum(['sealpost', 'sendmail'])
      .default('sealpost')
      .describe(
        '`sendmail` gives the replies, the greeting and the order of commands that clients and scripts know from Sendmail 8; HELO is optional then.',
      ),
    privacy: z
      .array(z.enum(Object.keys(privacyFlags) as [PrivacyFlag, ...PrivacyFlag[]]))
      .default([])
      .describe(
        "Sendmail's PrivacyOptions: `goaway`, `needmailhelo`, `novrfy`, `noexpn`, `noreceipts`, `nobodyreturn` and so on; those without a meaning here are taken.",
      )
      .meta({ examples: [['goaway']] }),
  })
  .prefault({} as never)
  .describe('How the server speaks.');

export const auth: z.ZodType<Config['auth']> = z
  .strictObject({
    mechanisms: z
      .union([z.literal('auto'), z.array(z.enum(mechanisms.map(({ name }) => name) as [string, ...string[]]))])
      .default('auto')
      .describe(
        'AUTH mechanisms in the order in which they are offered. `auto`: all, strongest first, and those of passwords once a holder has a password (`sealpost password add`). An empty list switches AUTH off.',
      ),
    plaintextWithoutTls: flag(
      false,
      'Passwords are taken without TLS too, where everybody on the way can read them (Sendmail without `p` in AuthOptions).',
    ),
    realm: domain
      .optional()
      .describe('Domain of user names: `alice` then also means `alice@` and this, and the other way round.')
      .meta({ examples: ['example.net'] }),
    failures: z
      .strictObject({
        byAddress: count(
          10,
          'Wrong passwords from one address (IPv6: one /64) within `window`; then its logins are put off, right or wrong, and one more guess is free each tenth of it. A name that logged in from there before is counted apart.',
          1,
          10_000,
        ),
        byName: count(
          50,
          'Wrong passwords for one name, from anywhere, within `window`; then addresses that guessed wrong before are put off for this name. Others are not.',
          1,
          100_000,
        ),
        window: duration('10m', 'How long a wrong password is remembered.', '10s', '1d'),
      })
      .prefault({} as never)
      .describe('How many wrong passwords are borne.'),
  })
  .prefault({} as never)
  .describe('Logins by AUTH. A certificate needs none; passwords are for programs that cannot show one.');
