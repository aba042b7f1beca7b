/**
 * What this server answers to each thing the peer does: the decisions of steps 3 to 6 in the order of the protocol.
 * It moves no bytes and keeps no time; `session.ts` does, and is its only caller.
 */
import type { EventPeer } from '../../base/event.ts';
import { asFault } from '../../base/fault.ts';
import { queueId } from '../../base/id.ts';
import { statuses, type Status, type StatusKey } from '../../base/status.ts';
import { replyOf, type Reply } from '../../protocol/smtp/reply.ts';
import type { Address } from '../../protocol/smtp/address.ts';
import type { MailParameters, ServerEvent } from '../../protocol/smtp/server-event.ts';
import type { ServerManner } from '../../protocol/smtp/server-manner.ts';
import type { ServerOffer } from '../../protocol/smtp/server.ts';
import { domainFacts, mapped, type DomainFacts } from './domain-facts.ts';
import { decideConnect, decideMail, decideRecipient } from '../access/decide.ts';
import type { AccessSender, PeerName } from '../access/facts.ts';
import type { AccessPolicy } from '../access/policy.ts';
import type { ServerFeatures } from '../access/server-features.ts';
import { hasMailbox } from '../access/mailbox.ts';
import { canonicalSender } from '../access/sender.ts';
import { decideTls } from '../access/tls.ts';
import type { Verdict } from '../access/verdict.ts';
import type { Connection, TlsFacts } from '../connection/connection.ts';
import { reasonText } from '../identity/reason.ts';
import { asciiDomain, reversePathOf, type Origin } from '../message/envelope.ts';
import { writtenReversePath } from '../recipients/masquerade.ts';
import { refusalReply } from '../recipients/refusal.ts';
import type { AuthStep } from './auth/mechanism.ts';
import type { SessionLimits } from './limits.ts';
import { receive, type Receiver, type Reception } from './reception.ts';
import type { SessionServices } from './services.ts';
import { Transaction } from './transaction.ts';
import { verify } from './verify.ts';
import { featuresFor, offerFor } from './offer.ts';
import { Peer } from './peer.ts';
import { envelopeRecipient, isUnread, readRecipient, type ReadRecipient } from './recipient.ts';
import { Refusals, stageOf, type Asked } from './refusal.ts';

/** The answer comes later, by `proceed`. Until then nothing more may be asked. */
export const LATER: unique symbol = Symbol('later');

/** A reply to a question, nothing to a note, or LATER. */
export type Answer = Reply | undefined | typeof LATER;

/** Called after LATER: with the reply, or with nothing when a note has been dealt with. */
export type Proceed = (reply: Reply | undefined) => void;

type EventOf<K extends ServerEvent['kind']> = Extract<ServerEvent, { kind: K }>;

export class Dialogue {
  /** Session id, as in events. */
  readonly id: string;
  readonly #connection: Connection;
  readonly #services: SessionServices;
  readonly #limits: SessionLimits;
  readonly #manner: ServerManner;
  readonly #proceed: Proceed;
  readonly #peer: Peer;
  readonly #refusals: Refusals;
  /** What waits for the peer's name. */
  #unnamed: ServerEvent | undefined;
  #connectVerdict: Exclude<Verdict, { kind: 'reject' }> | undefined;
  /** What the access map switches on or off for this peer. */
  #features: ServerFeatures = {};
  /** What the name service said for the event that is being decided. */
  #domains: DomainFacts = {};
  #isGone = false;
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
    this.#peer = new Peer(this.id, connection, services, manner.dialect);
    this.#refusals = new Refusals(services.events, manner.statuses, () => ({
      peer: this.#peer.inEvents,
      id: this.#transaction?.id,
    }));
  }

  get peer(): EventPeer {
    return this.#peer.inEvents;
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
    return !this.#peer.isNamed && (map !== undefined || features.has('require_rdns'));
  }

  /** The peer's name became known. */
  named(name: PeerName): void {
    this.#peer.named(name);
    const event = this.#unnamed;
    this.#unnamed = undefined;
    if (event === undefined) return;
    const answer = this.#ready(event);
    if (answer !== LATER) this.#proceed(answer);
  }

  /** Policy at connect: the reply by which everything is refused, undefined when the peer may go on. */
  connect(): Reply | undefined {
    const policy = this.#services.policy();
    const verdict = decideConnect(policy, this.#peer.facts(policy));
    if (verdict.kind === 'reject') return this.#refusals.because({ stage: 'connect' }, verdict);
    this.#connectVerdict = verdict;
    return undefined;
  }

  /** What EHLO may offer now. */
  offer(): ServerOffer {
    const { listener } = this.#connection;
    this.#features = featuresFor(this.#peer, this.#services.policy(), listener);
    return offerFor(this.#peer, this.#features, this.#connection, this.#manner, this.#services);
  }

  /** Whether the handshake asks for a certificate; undefined: as the listener says. */
  get asksCertificate(): boolean | undefined {
    return this.#features.askCertificate;
  }

  /** TLS is up: all that the peer said before counts no more (RFC 3207 §4.2). */
  secured(tls: TlsFacts): void {
    this.#peer.secured(tls, this.#manner.keepHello);
    const { principal } = this.#peer;
    const shown = principal.kind === 'anonymous' ? undefined : principal.certificate;
    this.#services.events.tell({
      kind: 'secured',
      peer: this.#peer.inEvents,
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
    if (!this.#peer.isSecured) return undefined;
    const policy = this.#services.policy();
    const verdict = decideTls(policy, this.#peer.facts(policy));
    return verdict.kind === 'reject' ? this.#refusals.because({ stage: 'starttls' }, verdict) : undefined;
  }

  /** What the peer came with, or logged in by, when it has been withdrawn since. */
  withdrawal(): ReturnType<Peer['withdrawal']> {
    return this.#peer.withdrawal();
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
    if (this.#peer.isNamed || !this.#waitsForName(event)) return this.#ready(event);
    this.#unnamed = event;
    return LATER;
  }

  /** The trace header names the peer; policy asks for its name where a certificate of ours does not decide. */
  #waitsForName(event: ServerEvent): boolean {
    if (event.kind === 'content-start') return true;
    return event.kind === 'recipient' && this.#peer.waitsForName(this.#services.policy());
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
        return this.#authSteps(this.#peer.exchange.respond(event.response));
      case 'auth-ended':
        this.#peer.exchange.cancel();
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
        this.#refusals.tell({ stage: 'content' }, event.reply);
        this.#endTransaction();
        break;
      case 'reset':
        this.#endTransaction();
        break;
      case 'refused':
        this.#refusals.tell({ stage: stageOf(event.command) }, event.reply);
        break;
      case 'close':
        break; // the session's own
    }
    return undefined;
  }

  #hello(event: EventOf<'hello'>): Reply {
    this.#peer.saidHello(event.client, event.verb === 'EHLO');
    this.#endTransaction();
    return replyOf(statuses.hello, { hostname: this.#services.hostname, client: this.#peer.client });
  }

  #auth(event: EventOf<'auth'>): Answer {
    this.withdrawal();
    return this.#authSteps(this.#peer.exchange.start(event.mechanism, this.#peer.authFacts(), event.initial));
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
    const again = status === 'auth-too-many' && this.#peer.exchange.toldBefore();
    const values = { reason, hostname: this.#services.hostname };
    const reply = replyOf(this.#manner.statuses[again ? 'auth-too-many-now' : status], values);
    return this.#refusals.with({ stage: 'auth' }, reply, detail);
  }

  #authStep(step: AuthStep): Reply {
    if (step.kind === 'challenge')
      return replyOf(this.#manner.statuses['auth-continue'], {
        challenge: Buffer.from(step.challenge).toString('base64'),
      });
    if (step.kind === 'failure') return this.#refuseLogin(step);
    const { identity, holder, password } = step;
    const { mechanism } = this.#peer.exchange;
    this.#peer.loggedIn({ mechanism, identity, holder, password });
    const peer = this.#peer.inEvents;
    this.#services.events.tell({ kind: 'authenticated', peer, mechanism, identity, password });
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
    const asked: Asked = { stage: 'mail', path };
    const missing = this.#missing(asked);
    if (missing !== undefined) return missing;
    const policy = this.#services.policy();
    const rules = this.#services.recipients();
    const given = { typed: path, address: event.address, domain: this.#domains.sender };
    const sender: AccessSender = mapped(policy, rules, given);
    const verdict = decideMail(policy, this.#peer.facts(policy), sender);
    if (verdict.kind === 'reject') return this.#refusals.because(asked, verdict);
    const address = canonicalSender(policy, sender);
    const reversePath = isUnread(policy, event)
      ? undefined
      : reversePathOf(address && writtenReversePath(rules, address));
    if (reversePath === undefined) return this.#refusals.by(asked, 'bad-sender-address', { address: path });
    // Sendmail takes no mail from where it would refuse to send any.
    const looksBack = address !== undefined && address.domain !== '' && policy.features.has('sendmail');
    const refusal = looksBack ? this.#routeRefusal(address, path) : undefined;
    if (refusal !== undefined) return this.#refusals.with(asked, refusal);
    this.#transaction = this.#begin(reversePath, sender, event.parameters);
    this.#transaction.heed(verdict);
    return replyOf(this.#manner.statuses['sender-ok'], { address: path });
  }

  /** The refusal of a peer that lacks what everybody needs here, or has it no more, whatever it wants to send. */
  #missing(asked: Asked): Reply | undefined {
    const withdrawal = this.withdrawal();
    if (withdrawal !== undefined) return this.#refusals.by(asked, withdrawal);
    const { principal } = this.#peer;
    if (this.#features.authRequired === true && !this.#peer.isLoggedIn)
      return this.#refusals.by(asked, 'auth-required');
    if (this.#peer.wantsPassword()) return this.#refusals.by(asked, 'auth-needs-password');
    if (this.#connection.listener.certificates !== 'require' || principal.kind === 'verified') return undefined;
    return this.#refusals.by(asked, 'certificate-required', { reason: reasonText[principal.reason] });
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
    const transaction = new Transaction(id, printId(id), reversePath, sender, asked);
    if (this.#connectVerdict !== undefined) transaction.heed(this.#connectVerdict);
    return transaction;
  }

  #recipient(event: EventOf<'recipient'>): Reply {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#refusals.by({ stage: 'recipient' }, 'need-mail-before-rcpt');
    const { typed } = event;
    const asked: Asked = { stage: 'recipient', path: transaction.reversePath, recipient: typed };
    const withdrawal = this.withdrawal();
    if (withdrawal !== undefined) return this.#refusals.by(asked, withdrawal);
    const policy = this.#services.policy();
    const read = readRecipient(policy, this.#services.recipients(), event);
    // Whoever is behind an alias is bounced later, as in Sendmail.
    const refusal = read.isItself ? this.#routeRefusal(read.address, typed) : undefined;
    // Sendmail knows the way of a recipient before it asks who may send there.
    if (refusal !== undefined && policy.features.has('sendmail')) return this.#refusals.with(asked, refusal);
    const verdict = this.#decideRecipient(policy, transaction, event, read);
    if (verdict.kind === 'reject') return this.#refusals.because(asked, verdict);
    const { expansion } = read;
    if (expansion.kind === 'refused') return this.#refusals.with(asked, expansion.reply);
    if (expansion.kind === 'others' && expansion.user !== undefined && !hasMailbox(policy, expansion.user))
      return this.#refusals.by(asked, 'user-unknown', { address: typed });
    if (refusal !== undefined) return this.#refusals.with(asked, refusal);
    const { hostname } = this.#services;
    const recipient = isUnread(policy, event) ? undefined : envelopeRecipient(read, event, hostname);
    if (recipient === undefined) return this.#refusals.by(asked, 'bad-recipient-address', { address: typed });
    transaction.recipients.push(recipient);
    transaction.heed(verdict);
    return replyOf(this.#manner.statuses['recipient-ok'], { address: typed });
  }

  #decideRecipient(
    policy: AccessPolicy,
    { sender, discarded }: Transaction,
    event: EventOf<'recipient'>,
    { address, isItself }: ReadRecipient,
  ): Verdict {
    const { served } = this.#domains;
    // What stands for others needs no user of its name.
    const asked = isItself ? policy : { ...policy, localUsers: undefined };
    return decideRecipient(asked, this.#peer.facts(policy), sender, { ...event, address, served, discarded });
  }

  // The content

  #contentStart(): Reply {
    const transaction = this.#transaction;
    if (transaction === undefined || transaction.recipients.length === 0)
      return this.#refusals.by({ stage: 'content' }, 'need-rcpt');
    const withdrawal = this.withdrawal();
    if (withdrawal !== undefined)
      return this.#refusals.by({ stage: 'content', path: transaction.reversePath }, withdrawal);
    this.#inContent = true;
    if (transaction.isForNobody) transaction.discarded = true;
    if (!transaction.discarded) this.#receiver = this.#receive(transaction);
    return replyOf(this.#manner.statuses['start-mail']);
  }

  #receive(transaction: Transaction): Receiver {
    const { role } = this.#connection.listener;
    return receive(transaction, this.#peer.traced(), role, this.#manner.dialect, this.#limits, this.#services);
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
    if (transaction === undefined) return this.#refusals.by({ stage: 'content' }, 'need-rcpt');
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
    return withdrawal === undefined ? this.#peer.origin() : this.#manner.statuses[withdrawal];
  }

  #received(transaction: Transaction, receiver: Receiver, reception: Reception): Reply {
    const recipients = transaction.recipients.map((one) => one.address);
    const { reversePath, rule } = transaction;
    this.#endTransaction();
    if (reception.kind === 'refused') {
      const { fault, status, values } = reception;
      if (fault !== undefined)
        this.#services.events.tell({ kind: 'trouble', where: `message ${queueId(receiver.id)}`, detail: fault.detail });
      return this.#refusals.by({ stage: 'content', path: reversePath }, status.key as StatusKey, values);
    }
    this.#messages += 1;
    const { size, messageId } = reception.message;
    this.#services.events.tell({
      kind: 'accepted',
      peer: this.#peer.inEvents,
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
      peer: this.#peer.inEvents,
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
    const protocol = this.#peer.protocol(parameters.smtputf8);
    return { listener: this.#connection.listener.name, protocol };
  }

  #endTransaction(): void {
    this.#receiver?.abandon();
    this.#receiver = undefined;
    this.#transaction = undefined;
    this.#inContent = false;
  }
}
