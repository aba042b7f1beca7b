/**
 * The configuration: every key with its description, default and check. Reference, defaults file, validation and JSON
 * Schema are all made from this file. It decides nothing: `settings.ts` turns a Config into what each step takes.
 *
 * `Config` is what the program sees (times in ms, sizes in octets); `configSchema()` is what the file may say.
 */
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { Ms } from '../base/clock.ts';
import type { Dialect } from '../base/status.ts';
import { templateFault } from '../ca/subject.ts';
import { isPattern, type CertificatePart } from '../relay/access/certificate-part.ts';
import { accessFeatures, type AccessFeature } from '../relay/access/feature.ts';
import { privacyFlags, type PrivacyFlag } from '../protocol/smtp/server-manner.ts';
import type { ListenerSettings } from '../relay/connection/connection.ts';
import { isTlsOption } from '../relay/connection/tls-option.ts';
import type { HopTls } from '../relay/delivery/settings.ts';
import type { ScheduleSettings } from '../relay/schedule/settings.ts';
import type { GuessLimits } from '../relay/session/auth/guesses.ts';
import type { AuthSettings } from '../relay/session/auth/offer.ts';
import { mechanisms } from '../relay/session/auth/registry.ts';
import type { SessionLimits } from '../relay/session/limits.ts';
import { DURATION_PATTERN, SIZE_PATTERN, parseDuration, parseSize } from './units.ts';

/** The file's name in the data directory. */
export const CONFIG_FILE = 'sealpost.yaml';

/** Limits that each role may have of its own; undefined: as in `limits`. */
export interface RoleLimits {
  readonly messageSize?: number | undefined;
  readonly recipients?: number | undefined;
  readonly messagesPerSession?: number | undefined;
  readonly sessionTime?: Ms | undefined;
  readonly connectionsByAddress?: number | undefined;
}

/** A route as the file has it; paths are relative to the data directory. */
export interface ConfiguredRoute {
  readonly domains: readonly string[];
  readonly to?: string | undefined;
  readonly tls: HopTls;
  readonly implicit: boolean;
  readonly identity?: { readonly certificate: string; readonly key: string } | undefined;
  readonly authorities?: string | undefined;
  /** Undefined: as in `delivery`. */
  readonly tlsFallback?: boolean | undefined;
  /** The reply of a refusal, when mail for these domains goes nowhere. */
  readonly otherwise?: readonly string[] | undefined;
  readonly refuse?: string | undefined;
  readonly hold?: string | undefined;
  readonly discard?: boolean | undefined;
  readonly login?: ConfiguredLogin | undefined;
}

export interface ConfiguredLogin {
  readonly user: string;
  readonly passwordFile?: string | undefined;
  readonly mechanisms?: readonly string[] | undefined;
}

export interface WebListenerConfig {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
}

/** The whole configuration, defaults filled in. Paths are as written: relative to the data directory unless absolute. */
export interface Config {
  readonly hostname: string;
  readonly portOffset: 'auto' | number;
  readonly listeners: readonly ListenerSettings[];
  readonly tls: {
    readonly certificate: string;
    readonly key: string;
    readonly authorities: readonly string[];
    readonly authorityPaths: readonly string[];
    readonly ownAuthority: boolean;
    readonly minimum: 'TLSv1.2' | 'TLSv1.3';
    readonly ciphers?: string | undefined;
    readonly groups?: readonly string[] | undefined;
    readonly options: readonly string[];
    readonly revocationLists: readonly string[];
    readonly revocationPaths: readonly string[];
    readonly unusable: 'refuse' | 'no-starttls';
    readonly keyMode: 'any' | 'group' | 'owner';
  };
  readonly access: {
    /** `auto`: the file `access` in the data directory when it is there; `none`; else a path. */
    readonly map: string;
    readonly localDomains: readonly string[];
    readonly relayDomains: readonly string[];
    readonly trustedNetworks: readonly string[];
    readonly trustedMechanisms: readonly string[];
    readonly localUsers?: readonly string[] | undefined;
    /** What a named map that is not there means: not to start, to put everybody off until it is, or a map without entries. */
    readonly missingMap: 'fault' | 'defer' | 'empty';
    readonly features: readonly AccessFeature[];
    readonly certificateParts?:
      | { readonly issuer?: CertificatePart | undefined; readonly subject?: CertificatePart | undefined }
      | undefined;
    readonly blocklistRecipients: boolean;
    readonly delayChecks: boolean;
    readonly spam?: 'friend' | 'hater' | undefined;
  };
  readonly recipients: {
    readonly aliases: readonly string[];
    readonly virtual?: string | undefined;
    readonly virtualDomains: readonly string[];
    readonly domains?: string | undefined;
  };
  readonly senders: {
    readonly generic?: string | undefined;
    readonly genericDomains: readonly string[];
    readonly masquerade?:
      | {
          readonly as: string;
          readonly domains: readonly string[];
          readonly exceptions: readonly string[];
          readonly exposed: readonly string[];
        }
      | undefined;
    readonly envelope: boolean;
    readonly headers: boolean;
    readonly recipients: boolean;
    readonly qualify: boolean;
  };
  readonly smtp: { readonly dialect: Dialect; readonly privacy: readonly PrivacyFlag[] };
  readonly auth: AuthSettings & {
    /** Domain of names that are given without one. */
    readonly realm?: string | undefined;
    readonly failures: GuessLimits;
  };
  readonly limits: Omit<SessionLimits, 'inlineContent'> & {
    /** How long open sessions may go on after a stop was asked for. */
    readonly drainTime: Ms;
    readonly submission: RoleLimits;
    readonly relay: RoleLimits;
  };
  readonly schedule: ScheduleSettings;
  readonly delivery: {
    readonly routes: readonly ConfiguredRoute[];
    readonly identity?: { readonly certificate: string; readonly key: string } | undefined;
    /** CAs of next hops; with `authorityPaths` empty too, those of the system. */
    readonly authorities: readonly string[];
    /** Directories as `openssl rehash` makes them. */
    readonly authorityPaths: readonly string[];
    readonly tlsFallback: boolean;
    /** Sendmail's authinfo table. */
    readonly authinfo?: string | undefined;
    readonly resolver: readonly string[];
    readonly hostname?: string | undefined;
    readonly port: number;
    readonly connectTime: Ms;
    readonly replyTime: Ms;
    readonly contentTime: Ms;
    readonly idleTime: Ms;
    readonly messagesPerConnection: number;
  };
  readonly spool: { readonly inlineContent: number; readonly history: Ms };
  readonly threads: { readonly fronts: 'auto' | number };
  readonly log: {
    /** `stderr` or a path. */
    readonly destination: string;
    readonly format: 'auto' | 'text' | 'json' | 'sendmail';
    readonly level: 'debug' | 'info' | 'warn' | 'error';
  };
  readonly control: { readonly socket: string };
  readonly acme: {
    readonly enabled: boolean;
    readonly networks: readonly string[];
    readonly httpPort: number;
    readonly ordersPerHour: number;
  };
  readonly web: {
    readonly http: WebListenerConfig;
    readonly https: WebListenerConfig;
    readonly connections: number;
    readonly connectionsByAddress: number;
  };
  readonly notices: { readonly operator: readonly string[]; readonly reminders: readonly Ms[] };
  readonly ca: {
    /** How long a certificate stays valid beside the one that replaces it. */
    readonly overlap: Ms;
    readonly renewBefore: 'auto' | Ms;
    /** Where others reach `web.http`, without a slash at the end. */
    readonly url?: string | undefined;
    /** The longest lives by profile, which are the usual ones. */
    readonly lifetimes: Readonly<Record<'server' | 'person' | 'device' | 'service' | 'responder', Ms>>;
    /** Template of subjects; undefined: `CN={holder}`. */
    readonly subject?: string | undefined;
    /** Socket of a signer that runs as another user; undefined: a child process. */
    readonly signer?: string | undefined;
  };
  readonly names: { readonly lookupClientNames: boolean };
  readonly compatibility: readonly Compatibility[];
}

/** Ways of Sendmail that are unsafe, or are not what the standards say. */
export type Compatibility = (typeof COMPATIBILITY)[number];

const COMPATIBILITY = ['keep-hello', 'open-crl', 'email-alias', 'weak-signatures'] as const;

// What a value may look like. Each message says what to write, for `load.ts` puts what was written before it.

const HOSTNAME =
  /^(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;

/** A text that `parse` turns into a number within bounds; without `initial` the key may be left out. */
const measure = (
  kind: 'duration' | 'size',
  initial: string | undefined,
  description: string,
  least: string,
  most: string,
  example?: string,
): z.ZodType<number> => {
  const parse = kind === 'duration' ? parseDuration : parseSize;
  const todo =
    kind === 'duration'
      ? `write a time from ${least} to ${most} with its unit, such as 30s, 5m, 4h or 2d`
      : `write a size from ${least} to ${most}, such as 64KB or 50MB`;
  const [lower, upper] = [parse(least) ?? 0, parse(most) ?? 0];
  const checked = z.unknown().transform((written, context): number => {
    const value = parse(String(written));
    if (value !== undefined && value >= lower && value <= upper) return value;
    context.addIssue(todo);
    return z.NEVER;
  });
  const pattern = kind === 'duration' ? DURATION_PATTERN : SIZE_PATTERN;
  const meta = { description, type: ['string', 'integer'], pattern, format: kind };
  return initial === undefined ? checked.meta({ ...meta, 'x-example': example }) : checked.prefault(initial).meta(meta);
};

const duration = (initial: string, description: string, least: string, most: string): z.ZodType<Ms> =>
  measure('duration', initial, description, least, most);

const size = (initial: string, description: string, least: string, most: string): z.ZodType<number> =>
  measure('size', initial, description, least, most);

const count = (initial: number, description: string, least: number, most: number): z.ZodType<number> =>
  z.int().min(least).max(most).default(initial).describe(description);

const flag = (initial: boolean, description: string): z.ZodType<boolean> =>
  z.boolean().default(initial).describe(description);

const host = z.string().regex(HOSTNAME, 'write a host name such as relay.example.net');
const path = z
  .string()
  .min(1, 'write a path')
  .refine((text) => !text.includes('\0'), 'write a path');
const domain = z.string().regex(/^\.?[^\s@/:]+\.?$/u, 'write a domain such as example.net');
const certificatePart = z
  .strictObject({
    pattern: z.string().min(1, 'write a regular expression such as /CN=([^/]*)'),
    groups: z.array(z.int().min(1)).default([]),
    between: z.string().default(''),
    after: z.string().default(''),
    exactCase: z.boolean().default(false),
  })
  .refine(({ pattern, groups }) => isPattern(pattern, groups), 'write a regular expression that has these groups');
/** Class w and class R also have addresses: `[192.0.2.1]`, `192.0.2`, `IPv6:2001:db8`. */
const hostOrNetwork = z
  .string()
  .regex(
    /^(?:\[?IPv6:[0-9A-Fa-f:.]+\]?|\.?[^\s@/:]+\.?)$/iu,
    'write a domain such as example.net, or leading octets such as 192.0.2 (no networks in CIDR form)',
  );
const routeDomain = z
  .string()
  .regex(/^(?:\*|\.?[^\s@/:*]+)$/u, 'write a domain (example.net), its subdomains (.example.net) or * for all');
const network = z.string().refine(isNetwork, 'write a network in CIDR form such as 192.0.2.0/24 or 2001:db8::/32');
const address = z.string().refine(isAddress, 'write an IP address such as 192.0.2.1, or :: for all');
const hopAddress = z
  .string()
  .regex(
    /^(?:\[[0-9A-Fa-f:.]+\]|(?:mx:)?(?:[A-Za-z0-9_.-]|%[01])+):\d{1,5}$/,
    'write host:port such as mx.example.net:25, [192.0.2.1]:2525 or mx:example.net:25',
  );
const server = z
  .string()
  .refine(
    (text) => isAddress(text) || /^(?:\[[0-9A-Fa-f:]+\]|[0-9.]+):\d{1,5}$/.test(text),
    'write the address of a name server, such as 127.0.0.1 or [::1]:53',
  );

function isAddress(text: string): boolean {
  return text.includes(':')
    ? ipaddr.IPv6.isValid(text) && !text.includes('/')
    : ipaddr.IPv4.isValidFourPartDecimal(text);
}

function isNetwork(text: string): boolean {
  return isAddress(text) || ipaddr.isValidCIDR(text);
}

const listener = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'write a short name of letters, digits and dashes')
    .describe('Name in logs and in `sealpost status`; each listener has its own.')
    .meta({ examples: ['submission'] }),
  address: address
    .default('::')
    .describe(
      'Address to listen on. `::` is all of IPv6 and IPv4 (IPv4 alone where the machine has no IPv6), `0.0.0.0` all of IPv4.',
    ),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .describe('Port before `portOffset`; 0 takes any free port.')
    .meta({ examples: [587] }),
  role: z
    .enum(['submission', 'relay'])
    .default('submission')
    .describe(
      '`submission` takes mail from holders and completes it (Date, Message-ID); `relay` takes mail from other servers.',
    ),
  tls: z
    .enum(['none', 'starttls', 'implicit'])
    .default('starttls')
    .describe(
      '`starttls` begins in clear and offers STARTTLS, `implicit` speaks TLS from the first byte, `none` never does.',
    ),
  certificates: z
    .enum(['no', 'ask', 'require'])
    .default('ask')
    .describe(
      'Whether a client certificate is asked for. `require` refuses clients without a good one, with the reason, in SMTP.',
    ),
  auth: z
    .enum(['offer', 'no', 'require'])
    .default('offer')
    .describe(
      'Whether AUTH is offered, as `auth` has it. `require` takes mail from nobody who has not logged in by it, not even by a certificate alone. Srv_Features: of the access map may say otherwise for a client.',
    ),
});

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

/** Limits of one role; what is left out is as in `limits`. */
const roleLimits = (role: string) => {
  const words = (what: string): string => `${what} on ${role} listeners; without it, as in \`limits\`.`;
  const whole = (what: string, example: number): z.ZodOptional<z.ZodInt> =>
    z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .meta({ description: words(what), examples: [example] });
  return z
    .strictObject({
      messageSize: measure('size', undefined, words('Largest message'), '1KB', '10GB', '50MB').optional(),
      recipients: whole('Recipients of one message', 1_000),
      messagesPerSession: whole('Messages in one session', 1_000),
      sessionTime: measure('duration', undefined, words('Longest session'), '1m', '7d', '1h').optional(),
      connectionsByAddress: whole('Connections at once from one address', 50),
    })
    .prefault({})
    .describe(`Other limits for listeners with the role ${role}.`);
};

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

/** The life of one profile. */
const lifetime = (what: string, most: string, usual: string): z.ZodType<Ms> =>
  duration(usual, `Life of ${what}.`, '1h', most);

const DEFAULT_LISTENERS = [
  { name: 'submission', address: '::', port: 587, role: 'submission', tls: 'starttls', certificates: 'ask' },
  { name: 'submissions', address: '::', port: 465, role: 'submission', tls: 'implicit', certificates: 'ask' },
  { name: 'relay', address: '::', port: 25, role: 'relay', tls: 'starttls', certificates: 'ask' },
] as const satisfies readonly ListenerSettings[];

const schema: z.ZodType<Config> = z.strictObject({
  hostname: host
    .describe(
      'Full name of this server, as it stands in greetings, Received: lines and reports. The server certificate carries it.',
    )
    .meta({ examples: ['relay.example.net'] }),
  portOffset: z
    .union([z.literal('auto'), z.int().min(0).max(64_000)])
    .default('auto')
    .describe(
      'Added to the port of each listener. `auto`: 2000 for ports below 1024 when the program is not run by root (587 becomes 2587), else 0.',
    ),
  listeners: z
    .array(listener)
    .min(1, 'write at least one listener')
    .superRefine((all, context) => {
      for (const [index, { name, address: at, port }] of all.entries()) {
        if (all.findIndex((other) => other.name === name) < index)
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: 'write a name that no other listener has',
          });
        if (port !== 0 && all.findIndex((other) => other.port === port && other.address === at) < index) {
          context.addIssue({
            code: 'custom',
            path: [index, 'port'],
            message: 'write a port that no other listener has on this address',
          });
        }
      }
    })
    .prefault(DEFAULT_LISTENERS.map((settings) => ({ ...settings })))
    .describe('Where the relay listens. A list given here replaces the whole default list.'),
  tls: z
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
    .describe('Server certificate, and whose client certificates are believed.'),
  access: z
    .strictObject({
      map: path
        .default('auto')
        .describe(
          "Access map in Sendmail's text form (CERTISSUER:, CERTSUBJECT:, Connect:, From:, To:). A path, `none`, or `auto`: the file `access` in the data directory when there is one.",
        ),
      localDomains: z
        .array(hostOrNetwork)
        .default([])
        .describe("Domains whose mail is accepted from anyone (Sendmail's class w). Exact names."),
      relayDomains: z
        .array(hostOrNetwork)
        .default([])
        .describe(
          "Domains, with subdomains, that anyone may send to and that may send to anyone by client name (Sendmail's class R).",
        ),
      trustedNetworks: z
        .array(network)
        .default([])
        .describe(
          'Networks whose clients may relay by address alone, without a certificate. Empty by default, and the machine itself is no exception.',
        ),
      trustedMechanisms: z
        .array(z.enum(['EXTERNAL', 'PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS']))
        .default(['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'])
        .describe(
          "Who has authenticated by one of these may relay (Sendmail's TRUST_AUTH_MECH). Passwords belong to holders; EXTERNAL lets every verified certificate relay, no matter who issued it.",
        ),
      localUsers: z
        .array(z.string().min(1, 'write the part before the @'))
        .optional()
        .describe(
          'Local parts that exist in localDomains, so that others are refused with 550 5.1.1; all exist when this is left out.',
        )
        .meta({ examples: [['postmaster', 'info']] }),
      missingMap: z
        .enum(['fault', 'defer', 'empty'])
        .default('fault')
        .describe(
          'What is done when `map` names a file that is not there: `fault` does not start, `defer` starts and answers 451 4.3.0 to everybody until it is, `empty` takes it for a map without lines.',
        ),
      features: z
        .array(z.enum(Object.keys(accessFeatures) as [AccessFeature, ...AccessFeature[]]))
        .default([])
        .describe(
          "Names of Sendmail's FEATUREs about access that are on; `sendmail` stands for all that Sendmail does without being told.",
        ),
      spam: z
        .enum(['friend', 'hater'])
        .optional()
        .describe(
          'With delayChecks: `friend` spares recipients with Spam:… FRIEND the delayed checks, `hater` makes them for Spam:… HATER alone.',
        )
        .meta({ examples: ['friend'] }),
      certificateParts: z
        .strictObject({ issuer: certificatePart.optional(), subject: certificatePart.optional() })
        .optional()
        .describe(
          "The parts of a certificate's names that stand behind CERTISSUER: and CERTSUBJECT: in the map, instead of the whole names (Sendmail's _CERT_REGEX_ISSUER_ and _CERT_REGEX_SUBJECT_). A name that does not match is looked for as it is. Who can get a certificate with such a part in any place of its name is let in.",
        )
        .meta({ examples: [{ subject: { pattern: '/CN=([^/]*)', groups: [1] } }] }),
      blocklistRecipients: flag(
        false,
        "Whether To: lines of the map may refuse recipients, before the certificate is looked at (Sendmail's blocklist_recipients).",
      ),
      delayChecks: flag(
        false,
        "Whether connection and reverse-path are judged at RCPT, where a certificate can overrule them (Sendmail's delay_checks).",
      ),
    })
    .prefault({} as never)
    .describe(
      'Who may send what to whom. Holders of certificates of our own CA relay by their record, with no line here.',
    ),
  recipients: z
    .strictObject({
      aliases: z
        .array(path)
        .default([])
        .describe(
          'Files of aliases as Sendmail has them (`name: address, address`), for names in localDomains. Programs and files behind an alias get nothing; :include: lists are read. Read again when they change.',
        )
        .meta({ examples: [['aliases']] }),
      virtual: path.optional().meta({
        description:
          "Sendmail's virtusertable, as text: `user@domain address`, `@domain %1@other`, `user@domain error:nouser text`. For localDomains and virtualDomains.",
        type: 'string',
        examples: ['virtusertable'],
      }),
      virtualDomains: z
        .array(z.string())
        .default([])
        .describe(
          "Domains of `virtual` besides localDomains (Sendmail's VIRTUSER_DOMAIN); `.example.net` stands for the subdomains of example.net.",
        ),
      domains: path.optional().meta({
        description:
          "Sendmail's domaintable, as text: `old.example.net new.example.net`, for recipients and reverse-paths.",
        type: 'string',
        examples: ['domaintable'],
      }),
    })
    .prefault({} as never)
    .describe(
      'Recipients that stand for others. Nothing is delivered into mailboxes: what a name comes to goes the way of its domain, which is a route in delivery.routes or its MX.',
    ),
  senders: z
    .strictObject({
      generic: path.optional().meta({
        description: "Sendmail's genericstable, as text: `user@inside.example.net user@example.net`.",
        type: 'string',
        examples: ['genericstable'],
      }),
      genericDomains: z
        .array(z.string())
        .default([])
        .describe(
          "Domains whose addresses are looked up in `generic` (Sendmail's GENERICS_DOMAIN); `.example.net` stands for the subdomains of example.net.",
        ),
      masquerade: z
        .strictObject({
          as: domain
            .describe("The domain that all others are written as (Sendmail's MASQUERADE_AS).")
            .meta({ examples: ['example.net'] }),
          domains: z
            .array(z.string())
            .default([])
            .describe('Domains that are written so; `.example.net` stands for the subdomains of example.net.')
            .meta({ examples: [['inside.example.net']] }),
          exceptions: z
            .array(z.string())
            .default([])
            .describe('Domains among them that keep their name, with their subdomains.'),
          exposed: z
            .array(z.string())
            .default([])
            .describe("Users whose address stays as it is (Sendmail's EXPOSED_USER).")
            .meta({ examples: [['root']] }),
        })
        .optional()
        .describe('One name for several domains of ours; what `generic` has goes before.')
        .meta({ examples: [{ as: 'example.net', domains: ['inside.example.net'] }] }),
      envelope: flag(
        true,
        'Whether `generic` and `masquerade` write the reverse-path (Sendmail: masquerade_envelope).',
      ),
      headers: flag(
        true,
        'Whether they, and `recipients.domains`, write addresses in header fields: From:, Sender:, Reply-To:, Errors-To:, Disposition-Notification-To: and their Resent- forms. A signature (DKIM) over what they change breaks.',
      ),
      recipients: flag(false, 'Whether To: and Cc: are written so, too (Sendmail: allmasquerade).'),
      qualify: flag(false, 'Whether header addresses without a domain get `hostname` for one, as Sendmail does.'),
    })
    .prefault({} as never)
    .describe('How addresses of our own are written to the world, in mail of any client.'),
  smtp: z
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
    .describe('How the server speaks.'),
  auth: z
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
    .describe('Logins by AUTH. A certificate needs none; passwords are for programs that cannot show one.'),
  limits: z
    .strictObject({
      commandLine: size(
        '2KB',
        'Longest command line, with its end (RFC 5321 §4.5.3.1.4 asks for 512 and room for extensions).',
        '512B',
        '64KB',
      ),
      authLine: size('12KB', 'Longest line of an AUTH exchange (RFC 4954 §4 asks for 12,288).', '1KB', '64KB'),
      messageSize: size('50MB', 'Largest message, as EHLO announces it (SIZE, RFC 1870).', '1B', '10GB'),
      recipients: count(1_000, 'Recipients of one message (RFC 5321 §4.5.3.1.8: at least 100).', 1, 100_000),
      messagesPerSession: count(10_000, 'Messages in one session.', 1, 1_000_000),
      errors: count(20, 'Refused commands in one session before it is closed with 421.', 1, 10_000),
      idleCommands: count(100, 'Commands between two messages before the session is closed with 421.', 10, 100_000),
      buffer: size(
        '256KB',
        'What a client may send ahead while we think, before the session is closed with 421.',
        '4KB',
        '64MB',
      ),
      header: size('256KB', 'Longest header section of a message.', '1KB', '16MB'),
      hops: count(100, 'Received: lines before a message counts as looping (RFC 5321 §6.3: at least 100).', 10, 1_000),
      sessionTime: duration('2h', 'Longest session.', '1m', '7d'),
      handshakeTime: duration('30s', 'Longest TLS handshake.', '1s', '10m'),
      connections: count(5_000, 'Connections at once, in each front thread.', 1, 1_000_000),
      connectionsByAddress: count(
        50,
        'Connections at once from one address (IPv6: from one /64), over all threads.',
        1,
        1_000_000,
      ),
      drainTime: duration(
        '30s',
        'How long open sessions may finish their message after a stop was asked for.',
        '0',
        '1h',
      ),
      submission: roleLimits('submission'),
      relay: roleLimits('relay'),
    })
    .prefault({} as never)
    .describe('What one client may use.'),
  schedule: z
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
      delayNotice: duration(
        '4h',
        'Age at which the sender is told, once, that delivery is late; 0: never.',
        '0',
        '30d',
      ),
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
    .describe('When mail that could not be delivered is tried again, and how much goes out at once.'),
  delivery: z
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
    .describe('How mail goes out.'),
  spool: z
    .strictObject({
      inlineContent: size(
        '64KB',
        'Content up to this size is kept in the database, larger content in a file of its own.',
        '0B',
        '1MB',
      ),
      history: duration('30d', 'How long the history of delivered mail is kept.', '0', '3650d'),
    })
    .prefault({} as never)
    .describe('Mail that waits, in the data directory.'),
  threads: z
    .strictObject({
      fronts: z
        .union([z.literal('auto'), z.int().min(1).max(30)])
        .default('auto')
        .describe(
          'Threads that speak with clients. `auto`: one for each core but one, which is left to storage and delivery.',
        ),
    })
    .prefault({} as never)
    .describe('Threads.'),
  log: z
    .strictObject({
      destination: path.default('stderr').describe('`stderr`, or a file; SIGHUP opens it anew after rotation.'),
      format: z
        .enum(['auto', 'text', 'json', 'sendmail'])
        .default('auto')
        .describe(
          "`text` for people, `json` one object a line, `auto` text on a terminal and JSON elsewhere, `sendmail` the lines of Sendmail's syslog for programs that count them.",
        ),
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe(
          'What is told: `debug` everything, `info` decisions and deliveries, `warn` refusals and failures, `error` trouble alone.',
        ),
    })
    .prefault({} as never)
    .describe('One line for each decision. No content of messages and no secret is ever in it.'),
  control: z
    .strictObject({
      socket: path
        .default('control.sock')
        .describe('Unix socket by which `sealpost` commands reach the running relay; only its user may open it.'),
    })
    .prefault({} as never)
    .describe('How commands reach the running relay.'),
  acme: z
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
    .describe('Certificates for hosts by ACME (RFC 8555).'),
  web: z
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
    .describe('What the CA serves to others. A port that cannot be opened is told, and stops no mail.'),
  notices: z
    .strictObject({
      operator: z
        .array(z.string().regex(/^[^\s@<>]+@[^\s@<>]+$/u, 'write an address such as postmaster@example.net'))
        .default([])
        .describe(
          'Who is told by mail, once a day, which certificates end soon, and the head of the issuance log. Empty: nobody.',
        )
        .meta({ examples: [['postmaster@example.net']] }),
      reminders: z
        .array(measure('duration', undefined, 'Time before the end.', '1h', '365d'))
        .prefault(['30d', '7d', '1d'])
        .describe(
          'How long before its certificate ends a holder with a mail address is reminded, and the operator told. A time of more than half the life of a certificate does not count for it; what was renewed is not spoken of. Empty: never.',
        ),
    })
    .prefault({} as never)
    .describe('Mail from the relay itself.'),
  ca: z
    .strictObject({
      overlap: duration(
        '30d',
        'How long a certificate that was renewed stays valid beside the new one, but no longer than its own end; then it is withdrawn as superseded.',
        '0',
        '3650d',
      ),
      renewBefore: z
        .union([z.literal('auto'), measure('duration', undefined, 'Time before the end.', '1h', '365d')])
        .prefault('auto')
        .describe(
          'How long before its end the server certificate is renewed, when it is of our own CA: a time such as 60d, or `auto` for a third of its life. Its key stays the same. One from outside is never touched.',
        ),
      url: z
        .string()
        .regex(
          /^http:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/,
          'write an address such as http://relay.example.net:8480 (http and not https, without a slash at the end)',
        )
        .optional()
        .meta({
          description:
            'Where others reach `web.http`: certificates issued from then on name it for revocation (CRL, OCSP) and for the issuing certificate. Without it they name nothing.',
          type: 'string',
          examples: ['http://relay.example.net:8480'],
        }),
      lifetimes: z
        .strictObject({
          server: lifetime('server certificates', '825d', '397d'),
          person: lifetime('certificates of persons', '1826d', '397d'),
          device: lifetime('certificates of devices', '1826d', '730d'),
          service: lifetime('certificates of services', '1826d', '730d'),
          responder: lifetime('certificates of the OCSP responder', '90d', '30d'),
        })
        .prefault({} as never)
        .describe(
          'How long certificates live at most, and unless less is asked for. Those of 7 days or less are on no revocation list and say so (noRevAvail, RFC 9608).',
        ),
      subject: z
        .string()
        .superRefine((text, context) => {
          const fault = templateFault(text);
          if (fault !== undefined) context.addIssue(`${fault}; write a name such as C=JP, O=Example, CN={holder}`);
        })
        .optional()
        .meta({
          description:
            'Subject of certificates whose request brings none, as RFC 4514 writes names, but in the order in which the certificate has the parts; `{holder}` stands for the name of the holder. Without it `CN={holder}`.',
          type: 'string',
          examples: ['C=JP, O=Example, CN={holder}'],
        }),
      signer: path.optional().meta({
        description:
          'Unix socket of a signer that runs as a user of its own and alone can read the issuing key (see docs/guide/custody.md). Without it the relay starts the signer itself.',
        type: 'string',
        examples: ['/run/sealpost/signer.sock'],
      }),
    })
    .prefault({} as never)
    .describe('The certificate authority.'),
  names: z
    .strictObject({
      lookupClientNames: flag(
        false,
        'Whether the name of each client is looked up by its address (PTR). Needed by Connect: and TLS_Clt: lines of the map that give names; costs a DNS question for each connection.',
      ),
    })
    .prefault({} as never)
    .describe('Names of clients.'),
  compatibility: z
    .array(z.enum(COMPATIBILITY))
    .default([])
    .describe(
      "Sendmail's ways that are unsafe or against a standard, each to be asked for by name. `keep-hello`: what was said before STARTTLS counts after it (against RFC 3207 §4.2). `open-crl`: a revocation list that is missing, is not the first of its file or cannot be checked stops nobody. `email-alias`: `/Email=` in the access map also means `/emailAddress=`, as old OpenSSL printed it. `weak-signatures`: certificates signed with MD5 or SHA-1, and RSA keys of 1024 bits, are accepted.",
    )
    .meta({ examples: [['email-alias']] }),
});

/** The schema, to check an object that was read from a file. Nulls must be left out before: `load.ts` does both. */
export function configSchema(): z.ZodType<Config> {
  return schema;
}
