/**
 * The configuration: every key with its description, default and check, the larger sections each in a file of `schema/`.
 * Reference, defaults file, validation and JSON Schema are all made from it. It decides nothing: `settings.ts` turns a
 * Config into what each step takes.
 *
 * `Config` is what the program sees (times in ms, sizes in octets); `configSchema()` is what the file may say.
 */
import { z } from 'zod';
import type { Ms } from '../base/clock.ts';
import type { Dialect } from '../base/status.ts';
import { type CertificatePart } from '../relay/access/certificate-part.ts';
import type { AccessFeature } from '../relay/access/feature.ts';
import type { PrivacyFlag } from '../protocol/smtp/server-manner.ts';
import type { ListenerSettings } from '../relay/connection/connection.ts';
import type { HopTls } from '../relay/delivery/settings.ts';
import type { ScheduleSettings } from '../relay/schedule/settings.ts';
import type { GuessLimits } from '../relay/session/auth/guesses.ts';
import type { AuthSettings } from '../relay/session/auth/offer.ts';
import type { SessionLimits } from '../relay/session/limits.ts';
import { listeners } from './schema/listeners.ts';
import { tls } from './schema/tls.ts';
import { access } from './schema/access.ts';
import { recipients, senders } from './schema/addresses.ts';
import { smtp, auth } from './schema/smtp.ts';
import { limits } from './schema/limits.ts';
import { schedule, delivery } from './schema/delivery.ts';
import { spool, threads, log, control } from './schema/program.ts';
import { acme, web } from './schema/web.ts';
import { notices, ca } from './schema/authority.ts';
import { flag, host } from './schema/values.ts';

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
  /** More hops, when those before cannot be used. */
  readonly otherwise?: readonly string[] | undefined;
  /** The reply of a refusal, when mail for these domains goes nowhere. */
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
  listeners,
  tls,
  access,
  recipients,
  senders,
  smtp,
  auth,
  limits,
  schedule,
  delivery,
  spool,
  threads,
  log,
  control,
  acme,
  web,
  notices,
  ca,
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
