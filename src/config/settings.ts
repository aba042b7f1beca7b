/**
 * Config into what each step takes. Pure: what depends on the machine (root or not, IPv6 or not, the directory) is
 * passed in.
 */
import { isAbsolute, join } from 'node:path';
import type { AuthorityTerms } from '../ca/authority.ts';
import { authorityUrls } from '../ca/publish.ts';
import { serverManner, type ServerManner } from '../protocol/smtp/server-manner.ts';
import type { ListenerRole, ListenerSettings } from '../relay/connection/connection.ts';
import type { AccessPolicy } from '../relay/access/policy.ts';
import type { ClientIdentity, DeliverySettings, LoginSettings, RouteDefaults } from '../relay/delivery/settings.ts';
import type { RecipientRules, RecipientTables, SenderRules } from '../relay/recipients/rules.ts';
import type { ScheduleSettings } from '../relay/schedule/settings.ts';
import type { SessionLimits } from '../relay/session/limits.ts';
import type { Config, ConfiguredLogin, RoleLimits } from './schema.ts';

/** Ports that only root may listen on are moved up by this much for others, unless `portOffset` says otherwise. */
const UNPRIVILEGED_OFFSET = 2_000;

/** Where the tables for recipients and reverse-paths are. */
export interface RecipientFiles {
  readonly aliases: readonly string[];
  readonly virtual: string | undefined;
  readonly domains: string | undefined;
  readonly generic: string | undefined;
}

/** What the machine is like. */
export interface Machine {
  readonly root: boolean;
  /** False where IPv6 is switched off: `::` then means all of IPv4. */
  readonly ipv6?: boolean;
}

/** A path of the configuration as an absolute one; they are relative to the data directory. */
export function inDirectory(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

/** The listeners with their final ports. Port 0 stays 0 (any free port). */
export function listeners(config: Config, machine: Machine): readonly ListenerSettings[] {
  return config.listeners.map((listener) => ({
    ...listener,
    address: listenAddress(listener.address, machine),
    port: listenPort(listener.port, config, machine),
  }));
}

function listenPort(port: number, config: Config, machine: Machine): number {
  if (port === 0) return 0;
  if (config.portOffset === 'auto') return !machine.root && port < 1_024 ? port + UNPRIVILEGED_OFFSET : port;
  return (port + config.portOffset) % 65_536;
}

function listenAddress(address: string, machine: Machine): string {
  if (machine.ipv6 !== false) return address;
  return address === '::' ? '0.0.0.0' : address === '::1' ? '127.0.0.1' : address;
}

/** The limits of sessions on listeners of one role. */
export function sessionLimits(config: Config, role: ListenerRole): SessionLimits {
  const { drainTime: _drainTime, submission, relay, ...common } = config.limits;
  const own: RoleLimits = role === 'submission' ? submission : relay;
  return {
    ...common,
    messageSize: own.messageSize ?? common.messageSize,
    recipients: own.recipients ?? common.recipients,
    messagesPerSession: own.messagesPerSession ?? common.messagesPerSession,
    sessionTime: own.sessionTime ?? common.sessionTime,
    connectionsByAddress: own.connectionsByAddress ?? common.connectionsByAddress,
    inlineContent: config.spool.inlineContent,
  };
}

/** How the server speaks; `version` is the program's. */
export function sessionManner(config: Config, version: string): ServerManner {
  const { dialect, privacy } = config.smtp;
  return serverManner(dialect, new Set(privacy), version, config.compatibility.includes('keep-hello'));
}

export function scheduleSettings(config: Config): ScheduleSettings {
  return config.schedule;
}

/** `ownAddresses` are those that the listeners really have. */
export function deliverySettings(
  config: Config,
  directory: string,
  ownAddresses: DeliverySettings['ownAddresses'],
): DeliverySettings {
  const { routes, hostname, port, connectTime, replyTime, contentTime, idleTime, messagesPerConnection, authinfo } =
    config.delivery;
  const defaults = routeDefaults(config, directory);
  return {
    port,
    connectTime,
    replyTime,
    contentTime,
    idleTime,
    messagesPerConnection,
    hostname: hostname ?? config.hostname,
    ownAddresses,
    defaults,
    ...(authinfo === undefined ? {} : { authinfo: inDirectory(directory, authinfo) }),
    routes: routes.map((route) => ({
      domains: route.domains.map((domain) => domain.toLowerCase()),
      to: route.to,
      tls: route.tls,
      implicit: route.implicit,
      tlsFallback: route.tlsFallback ?? defaults.tlsFallback,
      identity: route.identity === undefined ? defaults.identity : identityOf(route.identity, directory),
      authorities:
        route.authorities === undefined
          ? defaults.authorities
          : { files: [inDirectory(directory, route.authorities)], directories: [] },
      ...(route.otherwise === undefined ? {} : { otherwise: route.otherwise }),
      ...(route.hold === undefined ? {} : { end: { kind: 'hold', reason: route.hold } }),
      ...(route.refuse === undefined ? {} : { end: { kind: 'refuse', reply: route.refuse } }),
      ...(route.discard === true ? { end: { kind: 'discard' } } : {}),
      ...(route.login === undefined ? {} : { login: loginOf(route.login, directory) }),
    })),
  };
}

function routeDefaults(config: Config, directory: string): RouteDefaults {
  const { identity, authorities, authorityPaths, tlsFallback } = config.delivery;
  const inside = (path: string): string => inDirectory(directory, path);
  return {
    tlsFallback,
    identity: identity && { ...identityOf(identity, directory), optional: { readers: config.tls.keyMode } },
    authorities:
      authorities.length + authorityPaths.length === 0
        ? undefined
        : { files: authorities.map(inside), directories: authorityPaths.map(inside) },
  };
}

function identityOf(identity: ClientIdentity, directory: string): ClientIdentity {
  return { certificate: inDirectory(directory, identity.certificate), key: inDirectory(directory, identity.key) };
}

function loginOf({ user, passwordFile, mechanisms }: ConfiguredLogin, directory: string): LoginSettings {
  return {
    user,
    passwordFile: passwordFile === undefined ? undefined : inDirectory(directory, passwordFile),
    mechanisms,
  };
}

/** The access policy without its map. */
export function accessSettings(config: Config): Omit<AccessPolicy, 'map'> {
  const { map: _map, missingMap: _missing, ...access } = config.access;
  return {
    ...access,
    mapMissing: false,
    hostname: config.hostname.toLowerCase(),
    features: new Set(access.features),
    localDomains: lowerCase(access.localDomains),
    relayDomains: lowerCase(access.relayDomains),
    trustedMechanisms: new Set(access.trustedMechanisms),
    localUsers: access.localUsers && lowerCase(access.localUsers),
    emailAlias: config.compatibility.includes('email-alias'),
  };
}

/** The rules for recipients and reverse-paths without their tables. */
export function recipientSettings(config: Config): Omit<RecipientRules, keyof RecipientTables> {
  return {
    localDomains: lowerCase(config.access.localDomains),
    virtualDomains: lowerCase(config.recipients.virtualDomains),
    genericDomains: lowerCase(config.senders.genericDomains),
    hostname: config.hostname.toLowerCase(),
    senders: senderRules(config.senders),
  };
}

function senderRules({ masquerade, envelope, headers, recipients, qualify }: Config['senders']): SenderRules {
  const parents = (domains: readonly string[]): string[] => domains.flatMap((domain) => [domain, `.${domain}`]);
  return {
    envelope,
    headers,
    recipients,
    qualify,
    masquerade: masquerade && {
      as: masquerade.as,
      domains: lowerCase(masquerade.domains),
      exceptions: lowerCase(parents(masquerade.exceptions)),
      exposed: lowerCase(masquerade.exposed),
    },
  };
}

/** The files of those tables. */
export function recipientFiles(config: Config, directory: string): RecipientFiles {
  const there = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : inDirectory(directory, path);
  const { aliases, virtual, domains } = config.recipients;
  return {
    aliases: aliases.map((path) => inDirectory(directory, path)),
    virtual: there(virtual),
    domains: there(domains),
    generic: there(config.senders.generic),
  };
}

function lowerCase(domains: readonly string[]): ReadonlySet<string> {
  return new Set(domains.map((domain) => domain.toLowerCase().replace(/\.$/, '')));
}

/** Where the access map lies, if there is one. `exists` says whether a path is a file. With `auto` a missing map is none; a named one must be there. */
export function accessMapFile(
  config: Config,
  directory: string,
  exists: (path: string) => boolean,
): string | undefined {
  if (config.access.map === 'none') return undefined;
  if (config.access.map !== 'auto') return inDirectory(directory, config.access.map);
  const standard = join(directory, 'access');
  return exists(standard) ? standard : undefined;
}

/** The control socket. */
export function controlSocket(config: Config, directory: string): string {
  return inDirectory(directory, config.control.socket);
}

/** Front threads to start, on a machine with so many cores: one is left to the spool and delivery threads. */
export function frontThreads(config: Config, cores: number): number {
  return config.threads.fronts === 'auto' ? Math.max(1, Math.min(cores - 1, 30)) : config.threads.fronts;
}

/** What the operator decides about all certificates that are issued from now on. */
export function authorityTerms(config: Config): AuthorityTerms {
  const { url, lifetimes, subject } = config.ca;
  return { urls: authorityUrls(url), lifetimes, subject };
}
