/**
 * One SMTP connection to a hop: the client engine and a connection, with time in between. It gets from dialling to
 * "a transaction may start" as the TLS requirement says, then carries transactions one after another. It decides
 * nothing about other hops, nor how often it is used (pool.ts). Before it: attempt.ts.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Cancel, Clock, Ms } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { asFault } from '../../base/fault.ts';
import type { RemoteReply } from '../../base/outcome.ts';
import type { StatusKey } from '../../base/status.ts';
import type { TlsRefusal } from '../access/tls.ts';
import type { TlsPeer } from '../access/tls-requirement.ts';
import { clientEngine, type ClientEngine } from '../../protocol/smtp/client.ts';
import type { ClientEvent, ClientTransaction, RecipientResult } from '../../protocol/smtp/client-event.ts';
import type { Dialer, DialTls, OutboundConnection, OutboundHandler, OutboundTls } from './dialer.ts';
import { chooseExchange, type ClientExchange, type Credentials, type LoginCrypto } from './login.ts';
import type { HopAddress } from './hop.ts';
import { hopText, replyLine } from './outcome.ts';
import type { TlsRequirement } from './security/requirement.ts';
import type { ClientIdentity, LoginSettings } from './settings.ts';

export interface ChannelSettings {
  /** Name we say in EHLO. */
  readonly hostname: string;
  /** For the connection, and again for the TLS handshake. */
  readonly connectTime: Ms;
  readonly replyTime: Ms;
  readonly contentTime: Ms;
}

export interface ChannelDeps {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: Random;
  /** Undefined: nobody logs in anywhere. */
  readonly credentials?: { readonly auth: Credentials; readonly crypto: LoginCrypto } | undefined;
  readonly settings: ChannelSettings;
}

export interface ChannelTarget {
  readonly hop: HopAddress;
  readonly requirement: TlsRequirement;
  readonly identity: ClientIdentity | undefined;
  /** TLS was tried and failed: this is the second try, in clear. */
  readonly fellBack?: boolean;
  /** How to log in; undefined: not at all. */
  readonly login?: LoginSettings | undefined;
  /** What a connection must share to be used for another message, see pool.ts. */
  readonly key: string;
}

/** Why no transaction can start here. `stage` tls: the handshake failed, so clear text may still work. */
export interface OpenFailure {
  readonly kind: 'failed';
  readonly stage: 'connect' | 'tls' | 'greeting';
  readonly status: StatusKey;
  readonly remote: RemoteReply | undefined;
  readonly detail: string;
  /** Policy demands better TLS. */
  readonly insecure?: TlsRefusal;
}

export interface TransactionResult {
  readonly results: readonly RecipientResult[];
  /** False: the connection ended before MAIL was answered. */
  readonly answered: boolean;
}

export type Source = Bytes | AsyncIterable<Uint8Array>;

type Done = ((result: TransactionResult) => void) | undefined;

const NOTHING = new Uint8Array(0);

/** Connects and greets; the channel is ready for a transaction. Never rejects. */
export async function openChannel(
  target: ChannelTarget,
  deps: ChannelDeps,
  signal: AbortSignal,
): Promise<Channel | OpenFailure> {
  const channel = new Channel(target, deps);
  const stop = new AbortController();
  const cancel = deps.clock.after(deps.settings.connectTime, () => stop.abort());
  const onAbort = (): void => {
    stop.abort();
    channel.fail('connection-lost', 'the attempt was stopped');
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { hop, requirement } = target;
    const base = { host: hop.host, address: hop.address, port: hop.port };
    const dialled = await deps.dialer.dial(
      requirement.implicit ? { ...base, implicitTls: channel.dialTls } : base,
      channel,
      stop.signal,
    );
    cancel();
    if (dialled.kind === 'failed') {
      const detail =
        stop.signal.aborted && !signal.aborted
          ? `no connection within ${deps.settings.connectTime} ms`
          : dialled.detail;
      if (dialled.stage === 'tls') return failedHandshake(target, detail);
      return { kind: 'failed', stage: 'connect', status: 'connect-failed', remote: undefined, detail };
    }
    const failure = await channel.begin(dialled.connection);
    return failure ?? channel;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

function insecureFailure(stage: OpenFailure['stage'], insecure: TlsRefusal): OpenFailure {
  return { kind: 'failed', stage, status: insecure.status, remote: undefined, detail: insecure.reason, insecure };
}

/** What no line of the map speaks of is told in our own words, with what the library said. */
function failedHandshake({ hop, requirement }: ChannelTarget, detail: string): OpenFailure {
  const refusal = requirement.judge?.({
    verify: 'SOFTWARE',
    bits: 0,
    name: hop.host,
    address: hop.address,
    certificate: undefined,
  });
  if (refusal !== undefined && (refusal.source !== undefined || refusal.status !== 'tls-required'))
    return insecureFailure('tls', { ...refusal, reason: `${refusal.reason.replace(/\.$/, '')}: ${detail}` });
  return { kind: 'failed', stage: 'tls', status: 'tls-failed', remote: undefined, detail };
}

export class Channel implements OutboundHandler {
  readonly kind = 'open';
  readonly target: ChannelTarget;
  /** Transactions that were started. */
  transactions = 0;
  /** Monotonic time since which it is idle; kept by the pool. */
  idleSince: Ms = 0;
  /** Called once when an idle channel is gone. */
  onGone: ((channel: Channel) => void) | undefined;
  /** Why the conversation ended, once the server or a trouble has ended it. */
  lost: { readonly status: StatusKey; readonly detail: string } | undefined;

  readonly #deps: ChannelDeps;
  readonly #engine: ClientEngine;
  #connection: OutboundConnection | undefined;
  /** Closed for good, by whichever side. */
  #gone = false;
  #opened: ((failure: OpenFailure | undefined) => void) | undefined;
  /** Why opening failed, when that came before begin(). */
  #early: OpenFailure | undefined;
  #done: Done;
  #source: Source | undefined;
  #streaming = false;
  #wake: (() => void) | undefined;
  #congested = false;
  #securing: 'no' | 'soon' | 'now' = 'no';
  /** The login under way, or done. */
  #exchange: ClientExchange | undefined;
  /** ${verify} while there is no TLS. */
  #inClear: string;
  #repliesSeen = 0;

  #deadline: Ms = Number.POSITIVE_INFINITY;
  #timerAt: Ms = Number.POSITIVE_INFINITY;
  #cancelTimer: Cancel | undefined;

  constructor(target: ChannelTarget, deps: ChannelDeps) {
    this.target = target;
    this.#deps = deps;
    this.#inClear = target.fellBack === true ? 'CLEAR' : 'NONE';
    const { hostname, replyTime, contentTime } = deps.settings;
    this.#engine = clientEngine({ hostname, limits: { replyTime, contentTime } });
  }

  get usable(): boolean {
    return !this.#gone && this.#engine.ready;
  }

  get offersDsn(): boolean {
    return this.#engine.capabilities.has('DSN');
  }

  get hopText(): string {
    return hopText(this.target.hop);
  }

  /** `TLSv1.3 verify=OK`; undefined in clear. */
  get tlsText(): string | undefined {
    const tls = this.#connection?.tls;
    return tls === undefined ? undefined : `${tls.version} verify=${tls.verified ? 'OK' : 'FAIL'}`;
  }

  /** The hop as requirements see it. */
  get tlsPeer(): TlsPeer {
    const { host: name, address } = this.target.hop;
    const tls = this.#connection?.tls;
    if (tls === undefined) return { verify: this.#inClear, bits: 0, name, address, certificate: undefined };
    return { verify: tls.trusted ? 'OK' : 'FAIL', bits: tls.bits, name, address, certificate: tls.certificate };
  }

  get dialTls(): DialTls {
    return {
      name: this.target.hop.host,
      identity: this.target.identity,
      authorities: this.target.requirement.authorities,
    };
  }

  /** From the connection to the end of EHLO, STARTTLS included; undefined when a transaction may start. */
  begin(connection: OutboundConnection): Promise<OpenFailure | undefined> {
    if (this.#gone) {
      connection.destroy();
      return Promise.resolve(this.#early ?? this.#openFailure('connect', 'connection-lost', 'the attempt was stopped'));
    }
    this.#connection = connection;
    if (connection.tls !== undefined) {
      const distrust = this.#distrust(connection.tls);
      if (distrust !== undefined) {
        this.destroy();
        return Promise.resolve(distrust);
      }
    }
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.#pump();
      this.#renewPatience();
    });
  }

  /** Carries one message; only while `usable`. Never rejects. */
  transact(transaction: ClientTransaction, source: Source): Promise<TransactionResult> {
    this.transactions++;
    this.#source = source;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#engine.transaction(transaction);
      this.#pump();
      this.#renewPatience();
    });
  }

  /** Says QUIT and closes without waiting for its reply. */
  quit(): void {
    if (this.#gone) return;
    this.#engine.quit();
    this.#flush();
    this.#connection?.end();
    this.#forget();
  }

  /** Closes at once; whatever is under way ends with this status. */
  fail(status: StatusKey, detail: string): void {
    if (this.#gone) return;
    this.#pump();
    this.#engine.ended(status, detail);
    this.#pump();
    this.destroy();
  }

  destroy(): void {
    this.#connection?.destroy();
    this.#forget();
  }

  // What the connection tells

  received(bytes: Uint8Array): void {
    if (this.#gone) return;
    if (this.#securing === 'now') return this.fail('remote-protocol', 'bytes in clear after the reply to STARTTLS');
    this.#engine.receive(bytes);
    // A greeting may be faster than begin(), which looks at it then.
    if (this.#connection === undefined) return;
    this.#pump();
    if (this.#engine.replies !== this.#repliesSeen) this.#renewPatience();
  }

  secured(tls: OutboundTls): void {
    if (this.#gone) return;
    this.#securing = 'no';
    const distrust = this.#distrust(tls);
    if (distrust !== undefined) {
      this.#endOpening(distrust);
      return this.destroy();
    }
    this.#engine.secured();
    this.#pump();
    this.#renewPatience();
  }

  drained(): void {
    this.#congested = false;
    this.#renewPatience();
    this.#wakeUp();
  }

  ended(): void {
    this.closed('the server closed the connection');
  }

  closed(detail: string | undefined): void {
    if (this.#gone) return;
    if (this.#securing === 'now') {
      this.#endOpening(failedHandshake(this.target, detail ?? 'closed during the handshake'));
      return this.destroy();
    }
    this.fail('connection-lost', detail ?? 'the connection was closed');
  }

  // Inside

  #pump(): void {
    for (let event = this.#engine.next(); event !== undefined; event = this.#engine.next()) this.#heard(event);
    if (this.#gone) return;
    this.#flush();
    // Only now: bytes that came in the same breath as the 220 have ended the conversation by this time.
    if (this.#securing === 'soon') {
      this.#securing = 'now';
      this.#connection?.startTls(this.dialTls);
    }
  }

  #heard(event: ClientEvent): void {
    switch (event.kind) {
      case 'ready':
        return this.#greeted();
      case 'secure':
        this.#securing = 'soon';
        return;
      case 'auth-challenge':
        return this.#challenged(event.challenge);
      case 'authenticated':
        return this.#authenticated();
      case 'refused':
        return this.#refused(event.stage, event.reply);
      case 'content-wanted':
        return this.#sendContent();
      case 'done': {
        const done = this.#done;
        this.#done = undefined;
        this.#source = undefined;
        this.#wakeUp();
        done?.(event);
        return;
      }
      case 'closed':
        this.lost = { status: event.status, detail: event.reply === undefined ? event.detail : replyLine(event.reply) };
        this.#endOpening(
          this.#openFailure(
            'greeting',
            event.status,
            event.reply === undefined ? event.detail : replyLine(event.reply),
            event.reply,
          ),
        );
        return this.destroy();
    }
  }

  #greeted(): void {
    const { requirement } = this.target;
    if (this.#connection?.tls !== undefined) return this.#logIn();
    if (requirement.tls === 'none') return this.#goInClear();
    const avoided = requirement.tls === 'opportunistic' && requirement.avoid !== undefined;
    if (!avoided && this.#engine.capabilities.has('STARTTLS')) return this.#engine.startTls();
    if (requirement.tls === 'opportunistic') return this.#goInClear();
    this.#endOpening(
      this.#openFailure(
        'greeting',
        'tls-unavailable',
        `STARTTLS is not offered, and the ${requirement.source} requires TLS`,
      ),
    );
    this.quit();
  }

  /** No TLS: good enough when nobody minds. */
  #goInClear(): void {
    const refusal = this.target.requirement.judge?.(this.tlsPeer);
    if (refusal === undefined) return this.#logIn();
    this.#endOpening(insecureFailure('greeting', refusal));
    this.quit();
  }

  /** TLS is as it will be: what is left is to say who we are, where that is wanted. */
  #logIn(): void {
    const { hop, login: wanted, identity } = this.target;
    const { credentials, random } = this.#deps;
    const login = credentials?.auth.find(hop, wanted);
    if (credentials === undefined || login === undefined) return this.#endOpening(undefined);
    const offer = {
      announced: this.#engine.capabilities.get('AUTH') ?? '',
      secure: this.#connection?.tls !== undefined,
      certified: identity !== undefined,
    };
    const exchange =
      typeof login === 'string' ? login : chooseExchange(login, offer, { crypto: credentials.crypto, random });
    if (typeof exchange === 'string') return this.#notLoggedIn(exchange);
    this.#exchange = exchange;
    this.#engine.authenticate(exchange.mechanism, exchange.initial);
  }

  #challenged(challenge: Uint8Array | undefined): void {
    const exchange = this.#exchange;
    if (challenge === undefined || exchange === undefined) return this.#engine.authRespond(undefined);
    void exchange.respond(challenge).then((response) => {
      if (this.#gone) return;
      this.#engine.authRespond(response);
      this.#pump();
      this.#renewPatience();
    });
  }

  #authenticated(): void {
    if (this.#exchange?.complete === true) return this.#endOpening(undefined);
    this.#notLoggedIn('the server did not show that it knows the password');
  }

  #notLoggedIn(detail: string, reply?: RemoteReply): void {
    this.#endOpening(
      this.#openFailure(
        'greeting',
        'login-failed',
        `login as ${this.#exchange?.mechanism ?? 'wanted'}: ${detail}`,
        reply,
      ),
    );
    this.quit();
  }

  #refused(stage: 'greeting' | 'hello' | 'starttls' | 'auth', reply: RemoteReply): void {
    if (stage === 'auth') return this.#notLoggedIn(replyLine(reply), reply);
    if (stage === 'starttls') {
      // Offered and then refused (RFC 3207 §4, 454): as if it had not been offered.
      if (reply.code < 500) this.#inClear = 'TEMP';
      if (this.target.requirement.tls === 'opportunistic') return this.#goInClear();
      this.#endOpening(this.#openFailure('greeting', 'tls-unavailable', replyLine(reply), reply));
    } else {
      this.#endOpening(
        this.#openFailure(
          'greeting',
          reply.code >= 500 ? 'remote-refused' : 'remote-deferred',
          replyLine(reply),
          reply,
        ),
      );
    }
    this.quit();
  }

  #distrust(tls: OutboundTls): OpenFailure | undefined {
    const { requirement } = this.target;
    const refusal = requirement.judge?.(this.tlsPeer);
    if (refusal !== undefined) return insecureFailure('greeting', refusal);
    if (requirement.tls !== 'verify' || tls.verified) return undefined;
    return this.#openFailure(
      'tls',
      'tls-failed',
      `the certificate of ${this.target.hop.host} does not verify: ${tls.detail ?? 'no reason given'}`,
    );
  }

  #openFailure(stage: OpenFailure['stage'], status: StatusKey, detail: string, remote?: RemoteReply): OpenFailure {
    return { kind: 'failed', stage, status, remote, detail };
  }

  #endOpening(failure: OpenFailure | undefined): void {
    this.#early ??= failure;
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.(failure);
  }

  #sendContent(): void {
    const source = this.#source;
    if (source === undefined) return;
    if (source instanceof Uint8Array) this.#engine.content(source, true);
    else if (this.#streaming) this.#wakeUp();
    else void this.#stream(source);
  }

  /** Hands over content piece by piece, as fast as the server takes it. A source that fails takes the connection with it. */
  async #stream(source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#streaming = true;
    const own = this.#done;
    try {
      for await (const piece of source) {
        if (!(await this.#mayContinue(own))) return;
        this.#engine.content(piece, false);
        this.#flush();
      }
      if (!(await this.#mayContinue(own))) return;
      this.#engine.content(NOTHING, true);
      this.#flush();
      this.#renewPatience();
    } catch (thrown) {
      const fault = asFault(thrown);
      this.fail(fault.status.key as StatusKey, fault.detail);
    } finally {
      this.#streaming = false;
    }
  }

  /** Waits until content may be sent; false when the transaction is over. */
  async #mayContinue(own: Done): Promise<boolean> {
    // Events queue up for each piece; take them out, or the engine would never see a refusal.
    this.#pump();
    while (this.#done === own && (this.#congested || !this.#engine.wantsContent))
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#done === own;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #flush(): void {
    if (this.#connection === undefined) return;
    const bytes = this.#engine.output();
    if (bytes.length > 0 && !this.#connection.send(bytes)) this.#congested = true;
  }

  #renewPatience(): void {
    this.#repliesSeen = this.#engine.replies;
    const patience = this.#gone
      ? undefined
      : this.#securing === 'now'
        ? this.#deps.settings.connectTime
        : this.#engine.patience;
    if (patience === undefined) {
      this.#deadline = Number.POSITIVE_INFINITY;
      return;
    }
    this.#deadline = this.#deps.clock.monotonic() + patience;
    // The timer is left running and looks at the deadline when it fires: setting one for each command costs more.
    if (this.#deadline < this.#timerAt) this.#setTimer(patience);
  }

  #setTimer(span: Ms): void {
    this.#cancelTimer?.();
    this.#timerAt = this.#deps.clock.monotonic() + span;
    this.#cancelTimer = this.#deps.clock.after(span, () => {
      this.#cancelTimer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      if (this.#deadline === Number.POSITIVE_INFINITY) return;
      const left = this.#deadline - this.#deps.clock.monotonic();
      if (left > 0) return this.#setTimer(left);
      if (this.#securing === 'now') this.closed('the handshake took too long');
      else this.fail('remote-timeout', 'the server took too long');
    });
  }

  #forget(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#wakeUp();
    const onGone = this.onGone;
    this.onGone = undefined;
    onGone?.(this);
  }
}
