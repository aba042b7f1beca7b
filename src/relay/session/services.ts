import type { Clock, Ms } from '../../base/clock.ts';
import type { EventSink } from '../../base/event.ts';
import type { Id } from '../../base/id.ts';
import type { DomainState, PeerName } from '../access/facts.ts';
import type { ServerManner } from '../../protocol/smtp/server-manner.ts';
import type { AccessPolicy } from '../access/policy.ts';
import type { Admission } from '../connection/admission.ts';
import type { ListenerRole } from '../connection/connection.ts';
import type { CertificateCache } from '../identity/certificate-cache.ts';
import type { ForeignTrust } from '../identity/foreign.ts';
import type { HolderDirectory } from '../identity/principal.ts';
import type { RefusalReply } from '../recipients/refusal.ts';
import type { RecipientRules } from '../recipients/rules.ts';
import type { ContentStore, SpoolStore } from '../spool/spool.ts';
import type { Mechanism } from './auth/mechanism.ts';
import type { AuthSettings } from './auth/offer.ts';
import type { PasswordLogins } from './auth/password.ts';
import type { SessionLimits } from './limits.ts';
import type { LiveSessions } from './live.ts';

/** Where mail for a recipient domain goes in the spool. */
export interface Route {
  /** Route key. */
  readonly dest: string;
  /** 0 to LANES-1. */
  readonly lane: number;
  /** Its mail is refused, with this. */
  readonly refusal?: RefusalReply | undefined;
}

/** The name service about mail domains. Never rejects, and bounds its own time: `temporary` after it. */
export interface MailDomains {
  /** Whether mail could go to a domain, or to an address literal. */
  state(domain: string): Promise<DomainState>;
  /** The names of its MX; empty: it has none. */
  exchangers(domain: string): Promise<readonly string[] | 'temporary'>;
}

/**
 * All that sessions need from the rest of the program; one value for each front thread, made by `app/compose.ts`.
 * What may change while sessions are open is a function and is asked again each time it matters.
 */
export interface SessionServices {
  /** The name this server goes by: greeting, EHLO, `Received: … by`, added Message-IDs. */
  readonly hostname: string;
  /** Program version, for `Received: … by host (Sealpost/<version>)`. */
  readonly version: string;
  /** Asked once at the start of each session. */
  limits(role: ListenerRole): SessionLimits;
  /** Asked once at the start of each session. */
  manner(): ServerManner;
  policy(): AccessPolicy;
  /** Whom recipients stand for. */
  recipients(): RecipientRules;
  readonly directory: HolderDirectory;
  /** CAs from outside that are trusted by rules of their own; undefined: none. */
  readonly foreign?: ForeignTrust | undefined;
  readonly certificates: CertificateCache;
  /**
   * The name of a peer address. Asked once a session, at its start; its answer is waited for before the greeting
   * when there is an access map, else at DATA. Never rejects, bounds its own time (`temporary` after it), and gives
   * `unasked` at once where names are switched off.
   */
  peerName(address: string): Promise<PeerName>;
  /** Asked only where a rule of the policy needs to know; absent: nothing is. */
  readonly domains?: MailDomains | undefined;
  readonly store: Pick<SpoolStore, 'accept'>;
  readonly contents: Pick<ContentStore, 'create' | 'read' | 'drop'>;
  /** By recipient domain, lower case, A-labels. */
  route(domain: string): Route;
  /** Ids of entries, deliveries and sessions. */
  mintId(): Id;
  readonly clock: Clock;
  readonly events: EventSink;
  /** AUTH mechanisms in the order of offer; normally `mechanisms` of `auth/registry.ts`. */
  readonly mechanisms: readonly Mechanism[];
  /** Which of them are offered, and logins by password; undefined: as by default, and none. */
  readonly auth?: { settings(): AuthSettings; readonly passwords: PasswordLogins } | undefined;
  /** Minutes that local time is ahead of UTC at this time. */
  utcOffset(at: Ms): number;
  readonly admission: Admission;
  readonly sessions: LiveSessions;
}
