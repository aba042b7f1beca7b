/** How mail goes out, and when it is tried again. */
import { z } from 'zod';
import type { Config } from '../schema.ts';
import { duration, count, flag, host, path, routeDomain, hopAddress, server } from './values.ts';

const route = z
  .strictObject({
    domains: z
      .array(routeDomain)
      .min(1, 'write at least one domain')
      .describe('Recipient domains: `example.net`, `.example.net` for its subdomains, `*` for all.')
      .meta({ examples: [['*']] }),
    to: hopAddress
      .optional()
      .describe(
        '`host:port` or `[address]:port` of the next hop; `mx:example.net:25` for the hosts that the MX records of that domain name; without it, those of the recipient domain. `%0` stands for the recipient domain, `%1` for what it has before a `.example.net` of `domains`.',
      )
      .meta({ examples: ['smarthost.example.net:587'] }),
    otherwise: z
      .array(hopAddress)
      .optional()
      .describe('More next hops in the form of `to`, in the order to try them when those before cannot be used.')
      .meta({ examples: [['backup.example.net:587']] }),
    refuse: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Mail for these domains is refused with this text, at RCPT already; reply code and enhanced code may stand before it.',
      )
      .meta({ examples: ['550 5.1.2 This domain has moved'] }),
    hold: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Mail for these domains is accepted and put on hold, with this reason: it is neither tried nor given up until an operator releases it (`sealpost queue release`), when there may be a route for it.',
      )
      .meta({ examples: ['no mailboxes yet'] }),
    discard: z
      .boolean()
      .optional()
      .describe('Mail for these domains is thrown away, and nobody is told.')
      .meta({ examples: [true] }),
    tls: z
      .enum(['none', 'opportunistic', 'required', 'verify'])
      .default('opportunistic')
      .describe(
        '`opportunistic` uses TLS when offered, `required` insists on it, `verify` also checks the name in the certificate.',
      ),
    implicit: flag(false, 'TLS from the first byte instead of STARTTLS.'),
    identity: z
      .strictObject({
        certificate: path
          .describe('PEM file: our client certificate, followed by its chain.')
          .meta({ examples: ['tls/client.crt'] }),
        key: path.describe('PEM file: its key.').meta({ examples: ['tls/client.key'] }),
      })
      .optional()
      .describe('Client certificate that we show to this hop.')
      .meta({ examples: [{ certificate: 'tls/client.crt', key: 'tls/client.key' }] }),
    authorities: path
      .optional()
      .describe(
        'PEM file of the CAs that must have signed the certificate of this hop, for `verify`; without it, those of the system.',
      )
      .meta({ examples: ['tls/partner-ca.crt'] }),
    tlsFallback: z
      .boolean()
      .optional()
      .describe('As `delivery.tlsFallback`, for this route.')
      .meta({ examples: [true] }),
    login: z
      .strictObject({
        user: z
          .string()
          .min(1)
          .describe('Name to log in with.')
          .meta({ examples: ['relay@example.net'] }),
        passwordFile: path
          .optional()
          .describe(
            'File with the password alone, which nobody but us may read (mode 0600). Without it the certificate is the login (EXTERNAL).',
          )
          .meta({ examples: ['smarthost.password'] }),
        mechanisms: z
          .array(z.enum(['EXTERNAL', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN']))
          .min(1)
          .optional()
          .describe(
            'Mechanisms that may be used, the best first. Without it: those above as the hop offers them, PLAIN and LOGIN only within TLS. Named here, they are used in clear too.',
          )
          .meta({ examples: [['PLAIN']] }),
      })
      .optional()
      .describe('How we log in at this hop (SMTP AUTH). A hop that does not take the login gets no mail; it waits.')
      .meta({ examples: [{ user: 'relay@example.net', passwordFile: 'smarthost.password' }] }),
  })
  .superRefine((written, context) => {
    const { to, refuse, hold, discard, otherwise, login } = written;
    const ends = [to ?? otherwise, refuse, hold, discard || undefined].filter((end) => end !== undefined).length;
    const message = 'write one of to, refuse, hold and discard';
    if (ends > 1) context.addIssue({ code: 'custom', path: ['to'], message });
    if (otherwise !== undefined && to === undefined)
      context.addIssue({ code: 'custom', path: ['otherwise'], message: 'write the first hop as `to`' });
    if (otherwise?.some((hop) => hop.includes('%')) === true)
      context.addIssue({ code: 'custom', path: ['otherwise'], message: 'write hops without %0 and %1' });
    // Whoever is written to would get the password.
    if (login !== undefined && to !== undefined && /%[01]/.test(to))
      context.addIssue({ code: 'custom', path: ['login'], message: 'write a `to` without %0 and %1, for one hop' });
  });

export const schedule: z.ZodType<Config['schedule']> = z
  .strictObject({
    firstRetry: duration('5m', 'Wait before the second attempt; it doubles with each further one.', '1s', '1d'),
    longestRetry: duration('2h', 'Longest wait between two attempts.', '1s', '7d'),
    jitter: z
      .number()
      .min(0)
      .max(1)
      .default(0.2)
      .describe('Part of the wait that is left to chance, 0 to 1, so that retries do not all come at once.'),
    expiry: duration(
      '5d',
      'Age at which an undelivered recipient is given up and reported (RFC 5321 §4.5.4.1: 4 to 5 days).',
      '1m',
      '30d',
    ),
    delayNotice: duration('4h', 'Age at which the sender is told, once, that delivery is late; 0: never.', '0', '30d'),
    concurrency: count(100, 'Transactions at once, over all destinations.', 1, 10_000),
    concurrencyByDestination: count(20, 'Transactions at once to one destination.', 1, 10_000),
    recipientsPerTransaction: count(100, 'Recipients of one message in one transaction.', 1, 10_000),
    laneLease: duration('30s', 'How long a worker owns its part of the queue without a sign of life.', '2s', '1h'),
    poll: duration('5s', 'Longest sleep without a look at the queue.', '10ms', '10m'),
  })
  .superRefine((schedule, context) => {
    if (schedule.firstRetry > schedule.longestRetry)
      context.addIssue({
        code: 'custom',
        path: ['firstRetry'],
        message: 'write a time not above schedule.longestRetry',
      });
  })
  .prefault({} as never)
  .describe('When mail that could not be delivered is tried again, and how much goes out at once.');

export const delivery: z.ZodType<Config['delivery']> = z
  .strictObject({
    routes: z
      .array(route)
      .default([])
      .describe(
        'Where mail goes, by recipient domain; the first route that matches counts. Without one, to the hosts that MX records name.',
      )
      .meta({
        examples: [
          [
            {
              domains: ['*'],
              to: 'smarthost.example.net:587',
              tls: 'verify',
              identity: { certificate: 'tls/client.crt', key: 'tls/client.key' },
            },
          ],
        ],
      }),
    identity: z
      .strictObject({
        certificate: path
          .describe('PEM file: our client certificate, followed by its chain.')
          .meta({ examples: ['tls/client.crt'] }),
        key: path.describe('PEM file: its key.').meta({ examples: ['tls/client.key'] }),
      })
      .optional()
      .describe(
        'Client certificate for every hop that asks for one and has none of its own in `routes`. When it cannot be used, or others may read the key (`tls.keyMode`), mail goes without it, and the log says so.',
      )
      .meta({ examples: [{ certificate: 'tls/client.crt', key: 'tls/client.key' }] }),
    authorities: z
      .array(path)
      .default([])
      .describe(
        'PEM files of the CAs of next hops, for routes that name none: for `verify`, and for VERIFY in TLS_Srv: and TLS_Rcpt: of the access map. With `authorityPaths` empty too, those of the system.',
      ),
    authorityPaths: z.array(path).default([]).describe('Directories of such CAs as `openssl rehash` makes them.'),
    tlsFallback: flag(
      false,
      'Whether mail goes in clear after TLS with a hop failed, where nothing demands TLS. Without it the mail waits.',
    ),
    authinfo: path
      .optional()
      .describe(
        "Sendmail's authinfo table (AuthInfo: by host, address or for all), for hops whose route has no `login`. It has passwords: nobody but us may read it.",
      )
      .meta({ examples: ['authinfo'] }),
    resolver: z
      .array(server)
      .default([])
      .describe("Name servers to ask, such as 127.0.0.1; empty: those of the machine's resolv.conf."),
    hostname: host
      .optional()
      .describe('Name we say in EHLO to other servers; without it, `hostname`.')
      .meta({ examples: ['out.example.net'] }),
    port: count(25, 'Port of servers that MX records name.', 1, 65_535),
    connectTime: duration('30s', 'Longest wait for a connection.', '1s', '10m'),
    replyTime: duration('5m', 'Longest wait for a reply (RFC 5321 §4.5.3.2).', '1s', '1h'),
    contentTime: duration(
      '10m',
      'Longest wait for the reply to the end of the content (RFC 5321 §4.5.3.2.6).',
      '1s',
      '2h',
    ),
    idleTime: duration('5s', 'How long a connection is kept for the next message.', '0', '5m'),
    messagesPerConnection: count(100, 'Messages over one connection.', 1, 100_000),
  })
  .prefault({} as never)
  .describe('How mail goes out.');
