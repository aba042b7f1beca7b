/**
 * Step 2, session: moves bytes between a Connection and the SMTP engine, puts the engine's questions to the dialogue,
 * keeps the time, and stops reading while an answer is not ready or the peer does not take our replies. It must
 * never decide anything about mail (dialogue.ts asks the steps that do), and never hold more of a peer's bytes than
 * one read. Before it: `relay/connection`, whose listener calls startSession for each connection. After it:
 * `relay/identity` and `relay/access` for who may, `relay/message` and `relay/spool` for what came.
 */
import type { Cancel, Ms } from '../../base/clock.ts';
import { asFault } from '../../base/fault.ts';
import { statuses, type StatusKey } from '../../base/status.ts';
import { replyOf, replyText, type Reply } from '../../protocol/smtp/reply.ts';
import { serverEngine, type ServerEngine } from '../../protocol/smtp/server.ts';
import type { ServerManner } from '../../protocol/smtp/server-manner.ts';
import type { ServerEvent } from '../../protocol/smtp/server-event.ts';
import type { PeerName } from '../access/facts.ts';
import type { Connection, ConnectionHandler, TlsFacts } from '../connection/connection.ts';
import { traceDate } from '../message/trace.ts';
import { Dialogue, LATER } from './dialogue.ts';
import type { SessionLimits } from './limits.ts';
import type { LiveSession } from './live.ts';
import type { SessionServices } from './services.ts';

/** How long a connection that we closed may take to take our last words. */
const LINGER: Ms = 10_000;

/**
 * `greeting`: the peer's name is looked up before we speak. `handshake`: TLS has the connection.
 * `open`: commands. `closing`: our last words are on their way. `closed`: the socket is gone.
 */
type Phase = 'greeting' | 'handshake' | 'open' | 'closing' | 'closed';

/** Serves a new connection until it is closed. Sets the connection's handler before it returns. */
export function startSession(connection: Connection, services: SessionServices): Session {
  const session = new Session(connection, services);
  connection.handler = session;
  session.begin();
  return session;
}

export class Session implements ConnectionHandler, LiveSession {
  readonly #connection: Connection;
  readonly #services: SessionServices;
  readonly #limits: SessionLimits;
  readonly #manner: ServerManner;
  readonly #engine: ServerEngine;
  readonly #dialogue: Dialogue;
  readonly #startedAt: Ms;
  #phase: Phase = 'greeting';
  /** An answer is not ready. */
  #waiting = false;
  #waitingFor: ServerEvent | undefined;
  /** The peer does not take our replies. */
  #blocked = false;
  #paused = false;
  /** Bytes that came while we could not use them; one read as a rule, since reading stops. */
  #held: Uint8Array[] | undefined;
  /** Said when the answer that is waited for has been given; then the session ends. */
  #farewell: Reply | undefined;
  #draining = false;
  /** The peer closed its side; the engine is told after the bytes that came before. */
  #peerEnded = false;
  #endReason: string | undefined;
  #heardAt: Ms;
  #timerAt: Ms = Number.POSITIVE_INFINITY;
  #cancelTimer: Cancel | undefined;

  constructor(connection: Connection, services: SessionServices) {
    this.#connection = connection;
    this.#services = services;
    this.#limits = services.limits(connection.listener.role);
    this.#manner = services.manner();
    this.#engine = serverEngine(services.hostname, this.#limits, this.#manner);
    this.#dialogue = new Dialogue(connection, services, this.#limits, this.#manner, (reply) => this.#proceed(reply));
    this.#startedAt = this.#heardAt = services.clock.monotonic();
  }

  /** Session id, as in events. */
  get id(): string {
    return this.#dialogue.id;
  }

  get serial(): string | undefined {
    return this.#dialogue.peer.serial;
  }

  /** Admission, then TLS or the greeting. Called once. */
  begin(): void {
    const { admission, events, sessions } = this.#services;
    const { listener, peerAddress } = this.#connection;
    sessions.add(this);
    events.tell({ kind: 'connected', peer: this.#dialogue.peer, listener: listener.name });
    const refusal = admission.enter(peerAddress, this.#limits);
    if (refusal !== undefined) return this.#turnAway(refusal);
    void this.#services.peerName(peerAddress).then((name) => this.#guard(() => this.#named(name)));
    if (listener.tls === 'implicit') this.#handshake();
    else this.#greetWhenReady();
  }

  // Told by the connection

  received(bytes: Uint8Array): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return;
    this.#heardAt = this.#services.clock.monotonic();
    if (this.#phase === 'open' && !this.#waiting && !this.#blocked) {
      this.#guard(() => {
        this.#engine.receive(bytes);
        this.#run();
      });
      return;
    }
    (this.#held ??= []).push(bytes);
    this.#pause();
  }

  secured(tls: TlsFacts): void {
    this.#guard(() => {
      if (this.#phase !== 'handshake') return;
      // Whatever was read before the handshake was not protected by it (RFC 3207 §4.2).
      this.#held = undefined;
      this.#engine.secured({ version: tls.version });
      this.#dialogue.secured(tls);
      this.#heardAt = this.#services.clock.monotonic();
      if (this.#connection.listener.tls === 'implicit') this.#greetWhenReady();
      else {
        const refusal = this.#dialogue.tlsRefusal();
        if (refusal !== undefined) this.#engine.cripple(refusal);
        this.#open();
      }
    });
  }

  drained(): void {
    this.#blocked = false;
    this.#guard(() => this.#run());
  }

  ended(): void {
    if (this.#phase === 'handshake') return this.#connection.destroy();
    this.#peerEnded = true;
    this.#guard(() => this.#run());
  }

  closed(detail: string | undefined): void {
    if (this.#phase === 'closed') return;
    const { admission, clock, events, sessions } = this.#services;
    const { peer, messages } = this.#dialogue;
    if (this.#phase === 'handshake')
      events.tell({
        kind: 'handshake-failed',
        peer,
        detail: this.#endReason ?? detail ?? 'the peer closed the connection',
      });
    this.#phase = 'closed';
    this.#cancelTimer?.();
    this.#held = undefined;
    this.#dialogue.gone();
    admission.leave(this.#connection.peerAddress);
    sessions.remove(this);
    const reason = this.#endReason ?? detail ?? 'the peer closed the connection';
    events.tell({ kind: 'disconnected', peer, reason, messages, span: clock.monotonic() - this.#startedAt });
  }

  // Told by the program (LiveSession)

  recheck(): boolean {
    if (this.#phase === 'closing' || this.#phase === 'closed') return false;
    const withdrawal = this.#dialogue.withdrawal();
    if (withdrawal === undefined) return false;
    this.#sayFarewell(`${withdrawal}-now`);
    return true;
  }

  drain(): void {
    if (this.#dialogue.inContent) this.#draining = true;
    else this.#sayFarewell('shutting-down');
  }

  abort(): void {
    this.#endReason ??= 'the server was stopped';
    this.#connection.destroy();
  }

  // Opening

  #named(name: PeerName): void {
    if (this.#phase === 'closed') return;
    this.#dialogue.named(name);
    if (this.#phase === 'greeting') this.#greet();
  }

  #greetWhenReady(): void {
    this.#phase = 'greeting';
    // The look-up bounds its own time (SessionServices.peerName), so the peer's waiting has an end.
    if (!this.#dialogue.greetsByName) this.#greet();
  }

  #greet(): void {
    const refusal = this.#dialogue.connect() ?? this.#dialogue.tlsRefusal();
    // A refused peer is greeted all the same and refused what it asks for, unless it is to be gone at once (421).
    const reply = refusal?.code === 421 ? refusal : this.#told('greeting');
    this.#engine.greet(reply, refusal);
    this.#open();
  }

  #open(): void {
    this.#phase = 'open';
    this.#engine.offer(this.#dialogue.offer());
    this.#run();
  }

  /** Over a limit: 421 in place of the greeting; before a handshake there is nobody to say it to. */
  #turnAway(key: StatusKey): void {
    const reply = this.#told(key);
    this.#endReason = replyText(reply);
    this.#services.events.tell({
      kind: 'refused',
      peer: this.#dialogue.peer,
      stage: 'connect',
      reply: this.#endReason,
      id: undefined,
      reversePath: undefined,
      recipient: undefined,
      rule: undefined,
    });
    if (this.#connection.listener.tls === 'implicit') return this.#connection.destroy();
    this.#guard(() => {
      this.#engine.greet(reply);
      this.#phase = 'open';
      this.#run();
    });
  }

  #handshake(): void {
    this.#phase = 'handshake';
    this.#setTimer(this.#services.clock.monotonic() + this.#limits.handshakeTime);
    this.#connection.startTls(this.#dialogue.asksCertificate);
  }

  // The pump

  /** Everything that can go on now: events, replies, held bytes; the replies leave in one piece. */
  #run(): void {
    if (this.#phase !== 'open') return;
    while (this.#pump() && this.#feed());
    this.#flush();
    if (this.#phase === 'open') this.#regulate();
  }

  /** Gives the engine what it has not seen yet; false when there is nothing. */
  #feed(): boolean {
    const bytes = this.#held?.shift();
    if (bytes !== undefined) this.#engine.receive(bytes);
    else if (this.#peerEnded) this.#engine.ended();
    else return false;
    if (bytes === undefined) this.#peerEnded = false;
    else if (this.#held?.length === 0) this.#held = undefined;
    return true;
  }

  /** Puts all events to the dialogue; false when it has to stop before the engine has no more. */
  #pump(): boolean {
    while (!this.#waiting && !this.#blocked) {
      const event = this.#engine.next();
      if (event === undefined) return true;
      if (event.kind === 'close') {
        this.#finish(event);
        return false;
      }
      const answer = this.#dialogue.answer(event);
      if (answer === LATER) [this.#waiting, this.#waitingFor] = [true, event];
      else if (answer !== undefined && !this.#answer(event, answer)) return false;
    }
    return false;
  }

  /** Gives the engine its answer; false when TLS takes over the connection. */
  #answer(event: ServerEvent | undefined, reply: Reply): boolean {
    this.#engine.answer(reply);
    if (event?.kind === 'starttls' && reply.code === statuses['start-tls'].code) {
      this.#flush();
      // From the next byte on all belongs to the handshake.
      this.#connection.pause();
      this.#paused = false;
      this.#handshake();
      return false;
    }
    if (event?.kind === 'auth' || event?.kind === 'auth-response') this.#engine.offer(this.#dialogue.offer());
    return true;
  }

  /** The dialogue's late answer. */
  #proceed(reply: Reply | undefined): void {
    this.#guard(() => {
      this.#waiting = false;
      if (this.#phase !== 'open') return;
      this.#heardAt = this.#services.clock.monotonic();
      if (reply !== undefined) this.#answer(this.#waitingFor, reply);
      if (this.#farewell !== undefined) this.#engine.close(this.#farewell);
      this.#run();
    });
  }

  #flush(): void {
    const bytes = this.#engine.output();
    if (bytes.length === 0 || this.#connection.send(bytes)) return;
    this.#blocked = true;
    this.#pause();
  }

  /** Goes on reading when nothing stands in the way, and sees to it that the timer fires in time. */
  #regulate(): void {
    if (this.#draining && !this.#waiting && !this.#dialogue.inContent) return this.#sayFarewell('shutting-down');
    if (this.#paused && !this.#blocked && this.#held === undefined) {
      this.#paused = false;
      this.#connection.resume();
    }
    this.#wakeAt(this.#heardAt + this.#engine.patience);
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#connection.pause();
  }

  // Closing

  #told(key: StatusKey, what = ''): Reply {
    const { hostname } = this.#services;
    const { dialect, statuses: said, version } = this.#manner;
    const now = this.#services.clock.now();
    return replyOf(said[key], {
      hostname,
      version,
      what,
      date: traceDate(now, this.#services.utcOffset(now), dialect),
    });
  }

  /** Ends the session from our side: now, or after the answer that is being made. */
  #sayFarewell(key: StatusKey, what?: string): void {
    this.#guard(() => {
      const reply = this.#told(key, what);
      switch (this.#phase) {
        case 'greeting':
        case 'handshake':
          this.#endReason ??= replyText(reply);
          this.#connection.destroy();
          break;
        case 'open':
          if (this.#waiting) this.#farewell ??= reply;
          else {
            this.#engine.close(reply);
            this.#blocked = false; // the peer may never take it, but nothing else follows
            this.#run();
          }
          break;
        case 'closing':
        case 'closed':
          break;
      }
    });
  }

  #finish(event: Extract<ServerEvent, { kind: 'close' }>): void {
    this.#endReason ??=
      event.reason === 'quit'
        ? 'QUIT'
        : event.reason === 'peer-closed'
          ? 'the peer closed the connection'
          : event.reply;
    this.#phase = 'closing';
    this.#held = undefined;
    this.#flush();
    this.#connection.end();
    this.#setTimer(this.#services.clock.monotonic() + LINGER);
  }

  /** Runs a step; what is thrown in it is our fault, and ends this session alone. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.#services.events.tell({ kind: 'trouble', where: `session ${this.id}`, detail: asFault(thrown).detail });
      this.#endReason ??= 'local error';
      this.#connection.destroy();
    }
  }

  // Time

  /** The timer fires no later than `at`. One that fires earlier is left alone, and set again then: most never do. */
  #wakeAt(at: Ms): void {
    const due = Math.min(at, this.#startedAt + this.#limits.sessionTime);
    if (due < this.#timerAt) this.#setTimer(due);
  }

  #setTimer(at: Ms): void {
    this.#cancelTimer?.();
    this.#timerAt = at;
    const span = Math.max(0, at - this.#services.clock.monotonic());
    this.#cancelTimer = this.#services.clock.after(span, () => this.#guard(() => this.#tick()));
  }

  #tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#services.clock.monotonic();
    switch (this.#phase) {
      case 'handshake':
        this.#endReason = 'the TLS handshake took too long';
        this.#connection.destroy();
        break;
      case 'open':
        this.#tickOpen(now);
        break;
      case 'closing':
        this.#connection.destroy();
        break;
      case 'greeting':
      case 'closed':
        break;
    }
  }

  #tickOpen(now: Ms): void {
    const { patience } = this.#engine;
    if (this.#waiting) this.#heardAt = now; // it is the peer who waits
    if (now >= this.#startedAt + this.#limits.sessionTime) return this.#sayFarewell('session-too-long');
    if (now - this.#heardAt >= patience)
      return this.#sayFarewell('session-timeout', this.#dialogue.inContent ? 'content' : 'a command');
    this.#wakeAt(this.#heardAt + patience);
  }
}
