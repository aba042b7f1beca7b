/**
 * Who is at the other end of a session, as far as is known: its name, its TLS and certificate, its hello, its login; and
 * whether what it came with still counts. It answers nothing and decides nothing about mail.
 */
import type { EventPeer } from '../../base/event.ts';
import type { Dialect } from '../../base/status.ts';
import type { AccessFacts, Authenticated, PeerName } from '../access/facts.ts';
import type { AccessPolicy } from '../access/policy.ts';
import type { Connection, TlsFacts } from '../connection/connection.ts';
import { current, identify } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import type { Origin } from '../message/envelope.ts';
import { clientText, protocolWord } from '../message/trace.ts';
import { Exchange } from './auth/exchange.ts';
import type { AuthFacts } from './auth/mechanism.ts';
import { isConfigured } from './auth/offer.ts';
import { eventPeer } from './peer-event.ts';
import type { TracedPeer } from './reception.ts';
import type { SessionServices } from './services.ts';
import { originOf } from './transaction.ts';

/** A login that stands. */
export interface Login extends Authenticated {
  /** Id of the password that it was. */
  readonly password: string | undefined;
}

const UNASKED: PeerName = { state: 'unasked', name: undefined };

/** Reasons by which a certificate is taken back, apart from running out. */
const WITHDRAWN: ReadonlySet<string> = new Set(['revoked', 'suspended', 'not-issued', 'unknown-ca']);

export class Peer {
  /** Its AUTH exchange. */
  readonly exchange: Exchange;
  readonly #session: string;
  readonly #connection: Connection;
  readonly #services: SessionServices;
  readonly #dialect: Dialect;
  #tls: TlsFacts | undefined;
  #principal: Principal;
  /** The certificate counted when the handshake was done. */
  #verified = false;
  #inEvents: EventPeer;
  #name: PeerName | undefined;
  #helo: string | undefined;
  #extended = false;
  #greetedInTls = false;
  #login: Login | undefined;
  /** The password of the login was withdrawn, or has expired. */
  #passwordGone = false;

  constructor(session: string, connection: Connection, services: SessionServices, dialect: Dialect) {
    this.exchange = new Exchange(services.mechanisms);
    this.#session = session;
    this.#connection = connection;
    this.#services = services;
    this.#dialect = dialect;
    this.#principal = identify(undefined, services.directory);
    this.#inEvents = eventPeer(session, connection.peerAddress, UNASKED, this.#principal);
  }

  /** The same in the words of events. */
  get inEvents(): EventPeer {
    return this.#inEvents;
  }

  get principal(): Principal {
    return this.#principal;
  }

  get isSecured(): boolean {
    return this.#tls !== undefined;
  }

  get isNamed(): boolean {
    return this.#name !== undefined;
  }

  get isLoggedIn(): boolean {
    return this.#login !== undefined;
  }

  /** How it is called: `name [address]`. */
  get client(): string {
    const { name, state } = this.#name ?? UNASKED;
    return clientText(this.#connection.peerAddress, name, state === 'forged');
  }

  // What becomes known

  named(found: PeerName): void {
    // Sendmail does not ask why a name has no addresses.
    const isForged = this.#dialect === 'sendmail' && found.state === 'temporary' && found.name !== undefined;
    this.#name = isForged ? { ...found, state: 'forged' } : found;
    this.#inEvents = { ...this.#inEvents, client: this.client };
  }

  saidHello(client: string, extended: boolean): void {
    this.#helo = client;
    this.#extended = extended;
    this.#greetedInTls = this.#tls !== undefined;
  }

  /** TLS is up: all that it said before counts no more (RFC 3207 §4.2), but for its hello where that is kept. */
  secured(tls: TlsFacts, keepHello: boolean): void {
    const { certificates, clock, directory, foreign } = this.#services;
    const principal = identify(tls, directory, certificates, clock.now(), foreign);
    this.#tls = tls;
    this.#login = undefined;
    this.#passwordGone = false;
    this.#become(principal);
    this.#verified = principal.kind === 'verified';
    if (keepHello) return;
    this.#helo = undefined;
    this.#extended = false;
  }

  loggedIn(login: Login): void {
    this.#login = login;
    this.#passwordGone = false;
    const { holder } = login;
    if (holder !== undefined) this.#inEvents = { ...this.#inEvents, holder };
  }

  /** What it came with, or logged in by, when that has been withdrawn since; brings the principal up to date. */
  withdrawal(): 'certificate-withdrawn' | 'password-withdrawn' | undefined {
    if (this.#certificateGone()) return 'certificate-withdrawn';
    const { password, holder = '' } = this.#login ?? {};
    if (password !== undefined && this.#services.auth?.passwords.stands(password, holder, this.authFacts()) === false)
      this.#passwordGone = true;
    return this.#passwordGone ? 'password-withdrawn' : undefined;
  }

  #certificateGone(): boolean {
    const { clock, directory, foreign } = this.#services;
    const principal = current(this.#principal, directory, clock.now(), foreign);
    if (principal !== this.#principal) this.#become(principal);
    return this.#verified && principal.kind === 'unverified' && WITHDRAWN.has(principal.reason);
  }

  #become(principal: Principal): void {
    this.#principal = principal;
    this.#inEvents = eventPeer(this.#session, this.#connection.peerAddress, this.#name ?? UNASKED, principal);
    // What a certificate allowed goes with it (EXTERNAL is nothing but the certificate); a password stands for itself.
    if (this.#login?.password === undefined) this.#login = undefined;
    const holder = this.#login?.holder;
    if (holder !== undefined) this.#inEvents = { ...this.#inEvents, holder };
    this.exchange.cancel();
  }

  // What others ask

  /** For policy. */
  facts(policy: AccessPolicy): AccessFacts {
    return {
      role: this.#connection.listener.role,
      address: this.#connection.peerAddress,
      // A policy without names must not decide by whether the name service was quick.
      name: looksAtNames(policy) ? (this.#name ?? UNASKED) : UNASKED,
      helo: this.#helo,
      principal: this.#principal,
      tls: this.#tls && { bits: this.#tls.bits },
      authenticated: this.#login,
    };
  }

  authFacts(): AuthFacts {
    return {
      principal: this.#principal,
      secured: this.#tls !== undefined,
      address: this.#connection.peerAddress,
      passwords: this.#services.auth?.passwords,
      anyIdentity: this.#dialect === 'sendmail',
      configured: (name) => isConfigured(name, this.#services.auth?.settings()),
      binding: (type) => this.#connection.channelBinding(type),
    };
  }

  /** Whether policy has to know the name, which is not known yet, before it decides about a recipient. */
  waitsForName(policy: AccessPolicy): boolean {
    const principal = this.#principal;
    const ours =
      principal.kind === 'verified' && (principal.holder !== undefined || principal.foreign?.rule !== undefined);
    return !ours && looksAtNames(policy);
  }

  /** The holder of this certificate logs in by a password too, or by nothing else. */
  wantsPassword(): boolean {
    const principal = this.#principal;
    const { auth } = this.#services;
    if (auth === undefined || principal.kind !== 'verified' || principal.holder === undefined) return false;
    return auth.passwords.needsPassword(principal.holder, this.#holderByPassword());
  }

  /** For the trace header. */
  traced(): TracedPeer {
    const { name, state } = this.#name ?? UNASKED;
    return {
      helo: this.#helo,
      extended: this.#extended,
      greetedInTls: this.#greetedInTls,
      address: this.#connection.peerAddress,
      name,
      forged: state === 'forged',
      authenticated: this.#login !== undefined,
      tls: this.#tls && { ...this.#tls, verify: this.#principal.verify },
    };
  }

  /** Who answers for a message. */
  origin(): Origin {
    return originOf(this.#principal, this.#holderByPassword());
  }

  /** The word for how a message came (RFC 3848). */
  protocol(smtputf8: boolean): string {
    return protocolWord({
      extended: this.#extended,
      greetedInTls: this.#greetedInTls,
      authenticated: this.#login !== undefined,
      smtputf8,
    });
  }

  #holderByPassword(): string | undefined {
    const { password, holder } = this.#login ?? {};
    return password === undefined ? undefined : holder;
  }
}

/** Whether any rule can turn on the peer's name: the map, class R, or class w (a client named as one of our domains). */
function looksAtNames(policy: AccessPolicy): boolean {
  const { features } = policy;
  return (
    policy.map !== undefined ||
    policy.relayDomains.size > 0 ||
    policy.localDomains.size > 0 ||
    features.has('sendmail') ||
    features.has('require_rdns') ||
    features.has('relay_entire_domain')
  );
}
