/**
 * The spine: the nine steps of a message's way, wired in order, and nothing else. Read this first, then the opening
 * comment of each step.
 *
 *   1 connection → 2 session → 3 identity → 4 policy → 5 message → 6 spool      (inbound: in each front thread)
 *   7 schedule → 8 delivery → 9 outcome                                         (outbound: in the delivery thread)
 *
 * The spool stands between the two halves: what is in it survives everything, and neither half knows the other.
 */
import type { Clock } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import type { Id } from '../base/id.ts';
import type { Random } from '../base/random.ts';
import type { Connection } from './connection/connection.ts';
import type { TlsPolicy } from './access/tls.ts';
import type { Dialer } from './delivery/dialer.ts';
import { carrier, type CarrierDeps } from './delivery/attempt.ts';
import type { Resolver } from './delivery/resolver.ts';
import { routeReply } from './delivery/outcome.ts';
import { routeTable } from './delivery/route.ts';
import type { DeliverySettings, RouteSettings } from './delivery/settings.ts';
import { certificateCache } from './identity/certificate-cache.ts';
import type { Carrier } from './message/shipment.ts';
import { settler } from './outcome/settle.ts';
import { retryAt } from './schedule/backoff.ts';
import { laneOf } from './schedule/lane.ts';
import { scheduler, type Scheduler } from './schedule/scheduler.ts';
import type { ScheduleSettings } from './schedule/settings.ts';
import { mechanisms } from './session/auth/registry.ts';
import { LiveSessions } from './session/live.ts';
import type { Route, SessionServices } from './session/services.ts';
import { startSession } from './session/session.ts';
import type { ContentStore, SpoolStore } from './spool/spool.ts';

/** Certificates whose facts are remembered: a busy peer's is parsed once. */
const CERTIFICATES = 4096;
/** Octets of a message that a notice about it returns at most. */
const RETURNED = 256 * 1024;

/** What steps 1 to 6 need from the program. */
export interface InboundParts extends Omit<SessionServices, 'certificates' | 'mechanisms' | 'sessions' | 'route'> {
  readonly routes: () => readonly RouteSettings[];
}

export interface Inbound {
  /** Serves a connection until it is closed. */
  readonly serve: (connection: Connection) => void;
  readonly sessions: LiveSessions;
}

/** Steps 1 to 6 for one front thread. */
export function inbound(parts: InboundParts): Inbound {
  const { routes, ...rest } = parts;
  const sessions = new LiveSessions();
  const services: SessionServices = {
    ...rest,
    sessions,
    mechanisms,
    certificates: certificateCache(CERTIFICATES),
    route: spoolRoutes(routes),
  };
  return { sessions, serve: (connection) => void startSession(connection, services) };
}

/** What steps 7 to 9 need. */
export interface OutboundParts {
  readonly store: SpoolStore;
  readonly contents: ContentStore;
  readonly resolver: Resolver;
  readonly dialer: Dialer;
  readonly delivery: DeliverySettings;
  /** Logins at next hops. */
  readonly credentials?: CarrierDeps['credentials'];
  /** What the access map says of next hops, as it is now. */
  readonly policy?: () => TlsPolicy | undefined;
  readonly schedule: () => ScheduleSettings;
  readonly mintId: () => Id;
  readonly utcOffset: (at: number) => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** Names this worker among all that share the spool. */
  readonly owner: number;
}

export interface Outbound {
  readonly schedule: Scheduler;
  readonly carrier: Carrier;
}

/** Steps 7 to 9 for one delivery thread. */
export function outbound(parts: OutboundParts): Outbound {
  const { store, contents, clock, random, events, owner, delivery, schedule: settings } = parts;
  const { resolver, dialer, policy, credentials } = parts;
  const carry = carrier({
    settings: delivery,
    resolver,
    dialer,
    clock,
    random,
    credentials,
    ...(policy && { policy }),
  });
  const settle = settler({
    store,
    contents,
    settings,
    retryAt: (attempts, now) => retryAt(attempts, now, settings(), random),
    hostname: () => delivery.hostname,
    route: spoolRoutes(() => delivery.routes),
    mint: parts.mintId,
    offsetMinutes: parts.utcOffset,
    returnLimit: RETURNED,
    // The scheduler is made with the settler, so its ring is reached through the variable.
    signal: { ring: (lanes) => schedule.ring(lanes) },
    clock,
    random,
    events,
  });
  const schedule = scheduler({ store, contents, carrier: carry, settle, settings, clock, random, events, owner });
  return { schedule, carrier: carry };
}

/** Where a recipient domain's mail goes in the spool, by the routes as they are now. */
function spoolRoutes(routes: () => readonly RouteSettings[]): (domain: string) => Route {
  let settings = routes();
  let table = routeTable(settings);
  return (domain) => {
    const now = routes();
    if (now !== settings) [settings, table] = [now, routeTable(now)];
    const dest = table.key(domain);
    const { end } = table.find(domain);
    const refusal = end?.kind === 'refuse' ? routeReply(end.reply) : undefined;
    return { dest, lane: laneOf(dest), refusal };
  };
}
