/**
 * What this server answers to each thing the peer does: the decisions of steps 3 to 6 in the order of the protocol.
 * It moves no bytes and keeps no time; `session.ts` does, and is its only caller.
 */
import type { EventPeer, RelayEvent } from '../../base/event.ts';
import { asFault } from '../../base/fault.ts';
import { queueId } from '../../base/id.ts';
import { statuses, type Status, type StatusKey } from '../../base/status.ts';
import { replyOf, replyText, type Reply } from '../../protocol/smtp/reply.ts';
import type { Address } from '../../protocol/smtp/address.ts';
import type { MailParameters, ServerEvent } from '../../protocol/smtp/server-event.ts';
import type { ServerManner } from '../../protocol/smtp/server-manner.ts';
import type { ServerOffer } from '../../protocol/smtp/server.ts';
import { domainFacts, mapped, type DomainFacts } from './domain-facts.ts';
import { decideConnect, decideMail, decideRecipient } from '../access/decide.ts';
import type { AccessFacts, AccessSender, Authenticated, PeerName } from '../access/facts.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { serverFeatures, type ServerFeatures } from '../access/server-features.ts';
import { canonicalRecipient, hasMailbox } from '../access/mailbox.ts';
import { canonicalSender } from '../access/sender.ts';
import { decideTls } from '../access/tls.ts';
import type { Verdict } from '../access/verdict.ts';
import type { Connection, TlsFacts } from '../connection/connection.ts';
import { current, identify } from '../identity/identify.ts';
import type { Principal } from '../identity/principal.ts';
import { reasonText } from '../identity/reason.ts';
import {
  asciiDomain,
  originalRecipient,
  recipientOf,
  reversePathOf,
  type Origin,
  type Recipient,
} from '../message/envelope.ts';
import { clientText, protocolWord } from '../message/trace.ts';
import { expandRecipient, type Expansion } from '../recipients/expand.ts';
import { writtenReversePath } from '../recipients/masquerade.ts';
import { refusalReply } from '../recipients/refusal.ts';
import { canonical } from '../recipients/rules.ts';
import { Exchange } from './auth/exchange.ts';
import type { AuthFacts, AuthStep } from './auth/mechanism.ts';
import { isConfigured, knowsAuth, offerOf } from './auth/offer.ts';
import type { SessionLimits } from './limits.ts';
import { eventPeer, ruleOf } from './peer-event.ts';
import { receive, type Receiver, type Reception } from './reception.ts';
import type { SessionServices } from './services.ts';
import { originOf, Transaction } from './transaction.ts';
import { verify } from './verify.ts';

/** The answer comes later, by `proceed`. Until then nothing more may be asked. */
export const LATER: unique symbol = Symbol('later');

/** A reply to a question, nothing to a note, or LATER. */
export type Answer = Reply | undefined | typeof LATER;

/** Called after LATER: with the reply, or with nothing when a note has been dealt with. */
export type Proceed = (reply: Reply | undefined) => void;

/** A login that stands. */
interface Login extends Authenticated {
  /** Id of the password that it was. */
  readonly password: string | undefined;
}

type Stage = Extract<RelayEvent, { kind: 'refused' }>['stage'];
type EventOf<K extends ServerEvent['kind']> = Extract<ServerEvent, { kind: K }>;

const UNASKED: PeerName = { state: 'unasked', name: undefined };

/** Reasons by which a certificate is taken back, apart from running out. */
const WITHDRAWN: ReadonlySet<string> = new Set(['revoked', 'suspended', 'not-issued', 'unknown-ca']);

export class Dialogue {
  /** Session id, as in events. */
  readonly id: string;
  readonly #connection: Connection;
  readonly #services: SessionServices;
  readonly #limits: SessionLimits;
  readonly #manner: ServerManner;
  readonly #proceed: Proceed;
  #tls: TlsFacts | undefined;
  #principal: Principal;
  /** The certificate counted when the handshake was done. */
  #verified = false;
  #peer: EventPeer;
  #name: PeerName | undefined;
  /** What waits for the peer's name. */
  #unnamed: ServerEvent | undefined;
  #connectVerdict: Exclude<Verdict, { kind: 'reject' }> | undefined;
  /** What the access map switches on or off for this peer. */
  #features: ServerFeatures = {};
  /** What the name service said for the event that is being decided. */
  #domains: DomainFacts = {};
  #helo: string | undefined;
  #extended = false;
  #greetedInTls = false;
  #authenticated: Login | undefined;
  /** The password of the login was withdrawn, or has expired. */
  #passwordGone = false;
  #isGone = false;
  readonly #exchange: Exchange;
  #transaction: Transaction | undefined;
  #receiver: Receiver | undefined;
  #inContent = false;
  #messages = 0;

  constructor(
    connection: Connection,
    services: SessionServices,
    limits: SessionLimits,
    manner: ServerManner,
    proceed: Proceed,
  ) {
    this.id = queueId(services.mintId());
    this.#connection = connection;
    this.#services = services;
    this.#limits = limits;
    this.#manner = manner;
    this.#proceed = proceed;
    this.#exchange = new Exchange(services.mechanisms);
    this.#principal = identify(undefined, services.directory);
    this.#peer = eventPeer(this.id, connection.peerAddress, UNASKED, this.#principal);
  }

  get peer(): EventPeer {
    return this.#peer;
  }

  /** Messages accepted. */
  get messages(): number {
    return this.#messages;
  }

  /** From 354 until the reply to the content. */
  get inContent(): boolean {
    return this.#inContent;
  }

  // Around the commands

  /** Whether the greeting has to wait for the peer's name: the access map is asked by name first. */
  get greetsByName(): boolean {
    const { map, features } = this.#services.policy();
    return this.#name === undefined && (map !== undefined || features.has('require_rdns'));
  }

  /** The peer's name became known. */
  named(found: PeerName): void {
    // Sendmail does not ask why a name has no addresses.
    const isForged = this.#manner.dialect === 'sendmail' && found.state === 'temporary' && found.name !== undefined;
    const name: PeerName = isForged ? { ...found, state: 'forged' } : found;
    this.#name = name;
    const client = clientText(this.#connection.peerAddress, name.name, name.state === 'forged');
    this.#peer = { ...this.#peer, client };
    const event = this.#unnamed;
    this.#unnamed = undefined;
    if (event === undefined) return;
    const answer = this.#ready(event);
    if (answer !== LATER) this.#proceed(answer);
  }

  /** Policy at connect: the reply by which everything is refused, undefined when the peer may go on. */
  connect(): Reply | undefined {
    const policy = this.#services.policy();
    const verdict = decideConnect(policy, this.#facts(policy));
    if (verdict.kind === 'reject') return this.#rejected('connect', verdict);
    this.#connectVerdict = verdict;
    return undefined;
  }

  /** What EHLO may offer now. */
  offer(): ServerOffer {
    const policy = this.#services.policy();
    const features = (this.#features = { ...this.#usual(), ...serverFeatures(policy, this.#facts(policy)).features });
    const { auth, mechanisms } = this.#services;
    const { now, underTls } = offerOf(mechanisms, auth?.settings(), this.#authFacts());
    return {
      starttls: this.#startTlsOffer(features),
      auth: features.auth === false ? [] : now,
      expn: features.expn,
      withheld: withheld(this.#manner, features),
      authKnown: knowsAuth(auth?.settings()),
      authUnderTls: underTls,
    };
  }

  /** What the listener says of AUTH; the access map may say otherwise for a client. */
  #usual(): ServerFeatures {
    const { auth = 'offer' } = this.#connection.listener;
    return auth === 'offer' ? {} : auth === 'no' ? { auth: false } : { authRequired: true };
  }

  #startTlsOffer({ starttls }: ServerFeatures): ServerOffer['starttls'] {
    if (this.#connection.listener.tls !== 'starttls' || this.#tls !== undefined || starttls === false) return 'off';
    return this.#connection.tlsUsable ? 'offered' : 'unavailable';
  }

  /** Whether the handshake asks for a certificate; undefined: as the listener says. */
  get asksCertificate(): boolean | undefined {
    return this.#features.askCertificate;
  }

  /** TLS is up: all that the peer said before counts no more (RFC 3207 §4.2). */
  secured(tls: TlsFacts): void {
    const { certificates, clock, directory, events, foreign } = this.#services;
    const principal = identify(tls, directory, certificates, clock.now(), foreign);
    this.#tls = tls;
    this.#authenticated = undefined;
    this.#passwordGone = false;
    this.#become(principal);
    this.#verified = principal.kind === 'verified';
    if (!this.#manner.keepHello) {
      this.#helo = undefined;
      this.#extended = false;
    }
    const shown = principal.kind === 'anonymous' ? undefined : principal.certificate;
    events.tell({
      kind: 'secured',
      peer: this.#peer,
      version: tls.version,
      cipher: tls.cipher,
      bits: tls.bits,
      resumed: tls.resumed,
      subject: shown?.subject,
      issuer: shown?.issuer,
      reason: principal.kind === 'verified' ? undefined : principal.reason,
    });
  }

  /** Policy after the handshake: the reply by which everything is refused, undefined when TLS is good enough. */
  tlsRefusal(): Reply | undefined {
    if (this.#tls === undefined) return undefined;
    const policy = this.#services.policy();
    const verdict = decideTls(policy, this.#facts(policy));
    return verdict.kind === 'reject' ? this.#rejected('starttls', verdict) : undefined;
  }

  /** What the peer came with, or logged in by, when it has been withdrawn since; brings the principal up to date. */
  withdrawal(): 'certificate-withdrawn' | 'password-withdrawn' | undefined {
    if (this.#certificateGone()) return 'certificate-withdrawn';
    const { password, holder = '' } = this.#authenticated ?? {};
    if (password !== undefined && this.#services.auth?.passwords.stands(password, holder, this.#authFacts()) === false)
      this.#passwordGone = true;
    return this.#passwordGone ? 'password-withdrawn' : undefined;
  }

  #certificateGone(): boolean {
    const { clock, directory, foreign } = this.#services;
    const principal = current(this.#principal, directory, clock.now(), foreign);
    if (principal !== this.#principal) this.#become(principal);
    return this.#verified && principal.kind === 'unverified' && WITHDRAWN.has(principal.reason);
  }

  /** The connection is closed: what is half done is undone. */
  gone(): void {
    this.#isGone = true;
    this.#unnamed = undefined;
    this.#receiver?.abandon();
  }

  // The commands

  /** The answer to an event of the engine. */
  answer(event: ServerEvent): Answer {
    if (this.#name !== undefined || !this.#waitsForName(event)) return this.#ready(event);
    this.#unnamed = event;
    return LATER;
  }

  /** The trace header names the peer; policy asks for its name where a certificate of ours does not decide. */
  #waitsForName(event: ServerEvent): boolean {
    if (event.kind === 'content-start') return true;
    if (event.kind !== 'recipient') return false;
    const principal = this.#principal;
    const ours =
      principal.kind === 'verified' && (principal.holder !== undefined || principal.foreign?.rule !== undefined);
    return !ours && looksAtNames(this.#services.policy());
  }

  /** What the name service knows of the event's domain is asked first, where the policy has a rule about it. */
  #ready(event: ServerEvent): Answer {
    const { domains } = this.#services;
    const asked = domains && domainFacts(this.#services.policy(), this.#services.recipients(), domains, event);
    if (asked === undefined) return this.#decide(event);
    void asked.then((facts) => {
      if (this.#isGone) return;
      this.#domains = facts;
      const answer = this.#decide(event);
      this.#domains = {};
      if (answer !== LATER) this.#proceed(answer);
    });
    return LATER;
  }

  #decide(event: ServerEvent): Answer {
    switch (event.kind) {
      case 'hello':
        return this.#hello(event);
      case 'starttls':
        return replyOf(this.#manner.statuses['start-tls']);
      case 'auth':
        return this.#auth(event);
      case 'auth-response':
        return this.#authSteps(this.#exchange.respond(event.response));
      case 'auth-ended':
        this.#exchange.cancel();
        break;
      case 'verify':
        return this.#verify(event);
      case 'mail':
        return this.#mail(event);
      case 'recipient':
        return this.#recipient(event);
      case 'content-start':
        return this.#contentStart();
      case 'content':
        return this.#content(event);
      case 'content-end':
        return this.#contentEnd(event);
      case 'content-refused':
        this.#services.events.tell(this.#refused('content', event.reply, undefined, undefined));
        this.#endTransaction();
        break;
      case 'reset':
        this.#endTransaction();
        break;
      case 'refused':
        this.#services.events.tell(this.#refused(stageOf(event.command), event.reply, undefined, undefined));
        break;
      case 'close':
        break; // the session's own
    }
    return undefined;
  }

  #hello(event: EventOf<'hello'>): Reply {
    this.#helo = event.client;
    this.#extended = event.verb === 'EHLO';
    this.#greetedInTls = this.#tls !== undefined;
    this.#endTransaction();
    const { name, state } = this.#name ?? UNASKED;
    const client = clientText(this.#connection.peerAddress, name, state === 'forged');
    return replyOf(statuses.hello, { hostname: this.#services.hostname, client });
  }

  #auth(event: EventOf<'auth'>): Answer {
    this.withdrawal();
    return this.#authSteps(this.#exchange.start(event.mechanism, this.#authFacts(), event.initial));
  }

  /** A password takes a while to be looked at. */
  #authSteps(next: AuthStep | Promise<AuthStep>): Answer {
    if (!(next instanceof Promise)) return this.#authStep(next);
    void next
      .catch((thrown: unknown): AuthStep => {
        this.#services.events.tell({ kind: 'trouble', where: `session ${this.id}`, detail: asFault(thrown).detail });
        return { kind: 'failure', status: 'auth-unavailable', reason: '' };
      })
      .then((step) => this.#isGone || this.#proceed(this.#authStep(step)));
    return LATER;
  }

  #refuseLogin({ status, reason, detail }: Extract<AuthStep, { kind: 'failure' }>): Reply {
    const again = status === 'auth-too-many' && this.#exchange.toldBefore();
    const values = { reason, hostname: this.#services.hostname };
    const reply = replyOf(this.#manner.statuses[again ? 'auth-too-many-now' : status], values);
    this.#services.events.tell(this.#refused('auth', replyText(reply), detail, undefined));
    return reply;
  }

  #authStep(step: AuthStep): Reply {
    if (step.kind === 'challenge')
      return replyOf(this.#manner.statuses['auth-continue'], {
        challenge: Buffer.from(step.challenge).toString('base64'),
      });
    if (step.kind === 'failure') return this.#refuseLogin(step);
    const { identity, holder, password } = step;
    const { mechanism } = this.#exchange;
    this.#authenticated = { mechanism, identity, holder, password };
    this.#passwordGone = false;
    if (holder !== undefined) this.#peer = { ...this.#peer, holder };
    this.#services.events.tell({ kind: 'authenticated', peer: this.#peer, mechanism, identity, password });
    return replyOf(this.#manner.statuses['auth-succeeded'], { identity });
  }

  #verify(event: EventOf<'verify'>): Reply {
    const services = this.#services;
    const { status, addresses } = verify(event.verb, event.text, services.policy(), services.recipients());
    const said = addresses.map((address) => replyOf(this.#manner.statuses[status], { address }));
    return { ...(said[0] as Reply), lines: said.flatMap(({ lines }) => lines) };
  }

  #mail(event: EventOf<'mail'>): Reply {
    const path = event.typed;
    const withdrawal = this.withdrawal();
    if (withdrawal !== undefined) return this.#refuse('mail', withdrawal, {}, path);
    const principal = this.#principal;
    if (this.#features.authRequired === true && this.#authenticated === undefined)
      return this.#refuse('mail', 'auth-required', {}, path);
    if (this.#wantsPassword()) return this.#refuse('mail', 'auth-needs-password', {}, path);
    if (this.#connection.listener.certificates === 'require' && principal.kind !== 'verified') {
      return this.#refuse('mail', 'certificate-required', { reason: reasonText[principal.reason] }, path);
    }
    const policy = this.#services.policy();
    const rules = this.#services.recipients();
    const given = { typed: path, address: event.address, domain: this.#domains.sender };
    const sender: AccessSender = mapped(policy, rules, given);
    const verdict = decideMail(policy, this.#facts(policy), sender);
    if (verdict.kind === 'reject') return this.#rejected('mail', verdict, path);
    const address = canonicalSender(policy, sender);
    const reversePath = isUnread(policy, event)
      ? undefined
      : reversePathOf(address && writtenReversePath(rules, address));
    if (reversePath === undefined) return this.#refuse('mail', 'bad-sender-address', { address: path }, path);
    // Sendmail takes no mail from where it would refuse to send any.
    const looksBack = address !== undefined && address.domain !== '' && policy.features.has('sendmail');
    const refusal = looksBack ? this.#routeRefusal(address, path) : undefined;
    if (refusal !== undefined) return this.#refuseBy('mail', refusal, path);
    const transaction = this.#begin(reversePath, sender, event.parameters);
    if (this.#connectVerdict !== undefined) transaction.heed(this.#connectVerdict);
    transaction.heed(verdict);
    this.#transaction = transaction;
    return replyOf(this.#manner.statuses['sender-ok'], { address: path });
  }

  /** What the route of an address refuses its mail with. */
  #routeRefusal({ domain }: Address, typed: string): Reply | undefined {
    const key = asciiDomain(domain === '' ? this.#services.hostname : domain);
    const refusal = key === undefined ? undefined : this.#services.route(key).refusal;
    return refusal && refusalReply(refusal, typed);
  }

  #begin(reversePath: string, sender: AccessSender, parameters: MailParameters): Transaction {
    const id = this.#services.mintId();
    const { printId, returnsContent } = this.#manner;
    const asked = returnsContent ? parameters : ({ ...parameters, ret: 'HDRS' } as const);
    return new Transaction(id, printId(id), reversePath, sender, asked);
  }

  #recipient(event: EventOf<'recipient'>): Reply {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#refuse('recipient', 'need-mail-before-rcpt');
    const path = transaction.reversePath;
    const withdrawal = this.withdrawal();
    if (withdrawal !== undefined) return this.#refuse('recipient', withdrawal, {}, path, event.typed);
    const rules = this.#services.recipients();
    const policy = this.#services.policy();
    const read = canonicalRecipient(policy, event) ?? event.address;
    const address = canonical(rules, read);
    const expansion = withDomain(expandRecipient(rules, address, event.typed), read, address);
    const served = this.#domains.served;
    // What stands for others needs no user of its name.
    const isItself = expansion.kind === 'same' || (expansion.kind === 'others' && expansion.moved === true);
    const asked = isItself ? policy : { ...policy, localUsers: undefined };
    // Whoever is behind an alias is bounced later, as in Sendmail.
    const refusal = isItself ? this.#routeRefusal(address, event.typed) : undefined;
    const refuse = (reply: Reply): Reply => this.#refuseBy('recipient', reply, path, event.typed);
    // Sendmail knows the way of a recipient before it asks who may send there.
    if (refusal !== undefined && policy.features.has('sendmail')) return refuse(refusal);
    const { discarded } = transaction;
    const facts = this.#facts(policy);
    const verdict = decideRecipient(asked, facts, transaction.sender, { ...event, address, served, discarded });
    if (verdict.kind === 'reject') return this.#rejected('recipient', verdict, path, event.typed);
    if (expansion.kind === 'refused') return refuse(expansion.reply);
    if (expansion.kind === 'others' && expansion.user !== undefined && !hasMailbox(policy, expansion.user))
      return this.#refuse('recipient', 'user-unknown', { address: event.typed }, path, event.typed);
    if (refusal !== undefined) return refuse(refusal);
    const recipient = isUnread(policy, event)
      ? undefined
      : recipientOf(read, event.parameters, this.#services.hostname);
    const others = othersOf(expansion, recipient, this.#services.hostname);
    if (recipient === undefined || others === null)
      return this.#refuse('recipient', 'bad-recipient-address', { address: event.typed }, path, event.typed);
    transaction.recipients.push({ ...recipient, others });
    transaction.heed(verdict);
    return replyOf(this.#manner.statuses['recipient-ok'], { address: event.typed });
  }

  // The content

  #contentStart(): Reply {
    const transaction = this.#transaction;
    if (transaction === undefined || transaction.recipients.length === 0) return this.#refuse('content', 'need-rcpt');
    const withdrawal = this.withdrawal();
    if (withdrawal !== undefined) return this.#refuse('content', withdrawal, {}, transaction.reversePath);
    this.#inContent = true;
    if (transaction.isForNobody) transaction.discarded = true;
    if (!transaction.discarded) this.#receiver = this.#receive(transaction);
    return replyOf(this.#manner.statuses['start-mail']);
  }

  #receive(transaction: Transaction): Receiver {
    const { peerAddress: address, listener } = this.#connection;
    const { name, state } = this.#name ?? UNASKED;
    const tls = this.#tls === undefined ? undefined : { ...this.#tls, verify: this.#principal.verify };
    const peer = {
      helo: this.#helo,
      extended: this.#extended,
      greetedInTls: this.#greetedInTls,
      address,
      name,
      forged: state === 'forged',
      authenticated: this.#authenticated !== undefined,
      tls,
    };
    return receive(transaction, peer, listener.role, this.#manner.dialect, this.#limits, this.#services);
  }

  #content(event: EventOf<'content'>): Answer {
    const waiting = this.#receiver?.take(event.bytes);
    if (waiting === undefined) return undefined;
    void waiting.then(() => this.#proceed(undefined));
    return LATER;
  }

  #contentEnd({ size }: EventOf<'content-end'>): Answer {
    const transaction = this.#transaction;
    const receiver = this.#receiver;
    if (transaction === undefined) return this.#refuse('content', 'need-rcpt');
    if (receiver === undefined) return this.#discard(transaction, size);
    const peer = `[${this.#connection.peerAddress}] ${this.id}`;
    void receiver
      .end(peer, () => this.#origin())
      .then((reception) => this.#proceed(this.#received(transaction, receiver, reception)));
    return LATER;
  }

  /** Asked when all content is there: what was withdrawn meanwhile sends nothing more. */
  #origin(): Origin | Status {
    const withdrawal = this.withdrawal();
    const { password, holder } = this.#authenticated ?? {};
    if (withdrawal !== undefined) return this.#manner.statuses[withdrawal];
    return originOf(this.#principal, password === undefined ? undefined : holder);
  }

  #received(transaction: Transaction, receiver: Receiver, reception: Reception): Reply {
    const recipients = transaction.recipients.map((one) => one.address);
    const { reversePath, rule } = transaction;
    this.#endTransaction();
    if (reception.kind === 'refused') {
      const { fault, status, values } = reception;
      if (fault !== undefined)
        this.#services.events.tell({ kind: 'trouble', where: `message ${queueId(receiver.id)}`, detail: fault.detail });
      const reply = replyOf(this.#manner.statuses[status.key as StatusKey], values);
      this.#services.events.tell(this.#refused('content', replyText(reply), undefined, reversePath));
      return reply;
    }
    this.#messages += 1;
    const { size, messageId } = reception.message;
    this.#services.events.tell({
      kind: 'accepted',
      peer: this.#peer,
      ...this.#arrival(transaction),
      id: transaction.id,
      reversePath,
      recipients,
      size,
      messageId,
      rule,
    });
    return replyOf(this.#manner.statuses.accepted, { id: transaction.printedId });
  }

  /** The peer is told of an id like any other (RFC 5321 §7.1 gives no other way to be silent). */
  #discard(transaction: Transaction, size: number): Reply {
    const { id, printedId, reversePath, rule } = transaction;
    const recipients = transaction.recipients.map((one) => one.address);
    this.#endTransaction();
    const arrival = this.#arrival(transaction);
    this.#services.events.tell({
      kind: 'discarded',
      peer: this.#peer,
      ...arrival,
      id,
      reversePath,
      recipients,
      size,
      rule,
    });
    return replyOf(this.#manner.statuses.accepted, { id: printedId });
  }

  /** By which way a message came. */
  #arrival({ parameters }: Transaction): { readonly listener: string; readonly protocol: string } {
    const protocol = protocolWord({
      extended: this.#extended,
      greetedInTls: this.#greetedInTls,
      authenticated: this.#authenticated !== undefined,
      smtputf8: parameters.smtputf8,
    });
    return { listener: this.#connection.listener.name, protocol };
  }

  #endTransaction(): void {
    this.#receiver?.abandon();
    this.#receiver = undefined;
    this.#transaction = undefined;
    this.#inContent = false;
  }

  // Facts, refusals

  #become(principal: Principal): void {
    this.#principal = principal;
    this.#peer = eventPeer(this.id, this.#connection.peerAddress, this.#name ?? UNASKED, principal);
    // What a certificate allowed goes with it (EXTERNAL is nothing but the certificate); a password stands for itself.
    if (this.#authenticated?.password === undefined) this.#authenticated = undefined;
    const holder = this.#authenticated?.holder;
    if (holder !== undefined) this.#peer = { ...this.#peer, holder };
    this.#exchange.cancel();
  }

  #facts(policy: AccessPolicy): AccessFacts {
    return {
      role: this.#connection.listener.role,
      address: this.#connection.peerAddress,
      // A policy without names must not decide by whether the name service was quick.
      name: looksAtNames(policy) ? (this.#name ?? UNASKED) : UNASKED,
      helo: this.#helo,
      principal: this.#principal,
      tls: this.#tls && { bits: this.#tls.bits },
      authenticated: this.#authenticated,
    };
  }

  #authFacts(): AuthFacts {
    return {
      principal: this.#principal,
      secured: this.#tls !== undefined,
      address: this.#connection.peerAddress,
      passwords: this.#services.auth?.passwords,
      anyIdentity: this.#manner.dialect === 'sendmail',
      configured: (name) => isConfigured(name, this.#services.auth?.settings()),
      binding: (type) => this.#connection.channelBinding(type),
    };
  }

  /** The holder of this certificate logs in by a password too, or by nothing else. */
  #wantsPassword(): boolean {
    const principal = this.#principal;
    const { auth } = this.#services;
    if (auth === undefined || principal.kind !== 'verified' || principal.holder === undefined) return false;
    const { password, holder } = this.#authenticated ?? {};
    return auth.passwords.needsPassword(principal.holder, password === undefined ? undefined : holder);
  }

  #refuse(
    stage: Stage,
    key: StatusKey,
    values: Readonly<Record<string, string | number>> = {},
    reversePath?: string,
    recipient?: string,
  ): Reply {
    const reply = replyOf(this.#manner.statuses[key], values);
    this.#services.events.tell(this.#refused(stage, replyText(reply), undefined, reversePath, recipient));
    return reply;
  }

  #refuseBy(stage: 'mail' | 'recipient', reply: Reply, reversePath: string, recipient?: string): Reply {
    this.#services.events.tell(this.#refused(stage, replyText(reply), undefined, reversePath, recipient));
    return reply;
  }

  #rejected(
    stage: Stage,
    verdict: Extract<Verdict, { kind: 'reject' }>,
    reversePath?: string,
    recipient?: string,
  ): Reply {
    this.#services.events.tell(
      this.#refused(stage, replyText(verdict.reply), ruleOf(verdict.trail), reversePath, recipient),
    );
    return verdict.reply;
  }

  #refused(
    stage: Stage,
    reply: string,
    rule: string | undefined,
    reversePath: string | undefined,
    recipient?: string,
  ): RelayEvent {
    const [path, to] = [withoutBrackets(reversePath), withoutBrackets(recipient)];
    const id = this.#transaction?.id;
    return { kind: 'refused', peer: this.#peer, stage, reply, id, reversePath: path, recipient: to, rule };
  }
}

/** A recipient that stands for itself goes to the domain that the domaintable has for its own. */
function withDomain(expansion: Expansion, read: Address, mapped: Address): Expansion {
  if (expansion.kind !== 'same' || read.domain.toLowerCase() === mapped.domain.toLowerCase()) return expansion;
  return { kind: 'others', to: [mapped], moved: true };
}

/** The recipients that this one stands for, undefined when for itself; null when one of them is no address. */
function othersOf(
  expansion: Expansion,
  recipient: Recipient | undefined,
  hostname: string,
): readonly Recipient[] | undefined | null {
  if (expansion.kind !== 'others' || recipient === undefined) return undefined;
  const { notify, address } = recipient;
  // Reports name the address that the sender wrote (RFC 3461 §5.2.7.1).
  const orcpt = recipient.orcpt ?? originalRecipient(address);
  const others = expansion.to.map(({ owner, ...one }) => {
    if (owner === undefined) return recipientOf(one, { notify, orcpt }, hostname);
    // RFC 3461 §5.2.7.3: what the sender asked to be told of ends at the list.
    const member = recipientOf(one, { notify: undefined, orcpt: undefined }, hostname);
    return member && { ...member, reversePath: reversePathOf(owner) };
  });
  return others.some((one) => one === undefined) ? null : (others as Recipient[]);
}

/** Events have addresses as envelopes have them, whatever stood in the command. */
function withoutBrackets(path: string | undefined): string | undefined {
  return path?.startsWith('<') && path.endsWith('>') ? path.slice(1, -1) : path;
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

/** What our grammar does not take is an address only where policy reads it as Sendmail does. */
function isUnread({ features }: AccessPolicy, { unread }: { readonly unread?: boolean }): boolean {
  return unread === true && !features.has('sendmail');
}

/** Keywords that this peer is not offered: its line in the map counts for more than the configuration. */
function withheld({ withheld: usual }: ServerManner, { dsn, pipelining }: ServerFeatures): ReadonlySet<string> {
  if (dsn === undefined && pipelining === undefined) return usual;
  const keywords = new Set(usual);
  if (dsn !== undefined) keywords[dsn ? 'delete' : 'add']('DSN');
  if (pipelining === false) keywords.add('PIPELINING');
  return keywords;
}

/** Where in the session a command belongs that the engine refused on its own. */
function stageOf(command: string): Stage {
  const verb = /^[A-Za-z]*/.exec(command)?.[0].toUpperCase();
  if (verb === 'MAIL') return 'mail';
  if (verb === 'RCPT') return 'recipient';
  if (verb === 'DATA' || verb === 'BDAT') return 'content';
  return verb === 'AUTH' ? 'auth' : 'hello';
}
