import { latin1 } from '../../src/base/bytes.ts';
import type { DialTls, OutboundTls } from '../../src/relay/delivery/dialer.ts';
import type { Listener, Peer } from './network.ts';

/** What reached the hop whole. */
export interface HopMessage {
  readonly mail: string;
  readonly recipients: readonly string[];
  /** Dots undone. */
  readonly content: string;
  readonly tls: boolean;
}

/** A reply as text without line end, `'close'` to end the pipe without one, `'reset'` to break it, `'silent'` to say nothing from then on. */
export type HopReply = string;

export interface HopScript {
  readonly greeting?: HopReply;
  readonly ehlo?: HopReply;
  readonly capabilities?: readonly string[];
  /** What the handshake gives; a text fails it. */
  readonly tls?: OutboundTls | string;
  readonly starttls?: HopReply;
  /** By command line, each may answer otherwise than usual. */
  readonly mail?: (line: string, connection: HopConnection) => HopReply | undefined;
  /** AUTH, and each line of its exchange; without it AUTH is unknown. */
  readonly auth?: (line: string, connection: HopConnection) => HopReply;
  readonly rcpt?: (line: string, connection: HopConnection) => HopReply | undefined;
  readonly data?: (connection: HopConnection) => HopReply | undefined;
  readonly end?: (message: HopMessage, connection: HopConnection) => HopReply | undefined;
}

export interface HopConnection {
  /** From 1, in order of connecting. */
  readonly number: number;
  readonly commands: string[];
  readonly peer: Peer;
  readonly handshakes: DialTls[];
}

export interface FakeHop {
  readonly listen: Listener;
  readonly messages: HopMessage[];
  readonly connections: HopConnection[];
}

const VERIFIED: OutboundTls = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  verified: true,
  detail: undefined,
  trusted: true,
  certificate: undefined,
};

/** A small SMTP server for the fake network, obedient but for what its script says. */
export function fakeHop(script: HopScript = {}): FakeHop {
  const messages: HopMessage[] = [];
  const connections: HopConnection[] = [];

  const listen: Listener = (peer) => {
    const connection: HopConnection = { number: connections.length + 1, commands: [], peer, handshakes: [] };
    connections.push(connection);
    let buffered = '';
    let secure = peer.target.implicitTls !== undefined;
    let mail: string | undefined;
    let recipients: string[] = [];
    let inContent = false;
    let exchange = false;
    let mute = false;

    function say(reply: HopReply): boolean {
      mute ||= reply === 'silent';
      if (mute) return false;
      if (reply === 'close') peer.end();
      else if (reply === 'reset') peer.reset();
      else peer.send(`${reply}\r\n`);
      return reply.startsWith('2') || reply.startsWith('3');
    }

    function ehlo(): void {
      const capabilities = script.capabilities ?? ['PIPELINING', '8BITMIME', 'SIZE 1000000', 'DSN'];
      const lines = ['hop.example', ...capabilities, ...(script.tls !== undefined && !secure ? ['STARTTLS'] : [])];
      if (script.ehlo !== undefined) say(script.ehlo);
      else peer.send(lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''));
    }

    function command(line: string): void {
      connection.commands.push(line);
      const verb = line.slice(0, 4).toUpperCase();
      if (script.auth !== undefined && (verb === 'AUTH' || exchange)) {
        const reply = script.auth(line, connection);
        exchange = reply.startsWith('334');
        return void say(reply);
      }
      if (verb === 'EHLO' || verb === 'HELO') return ehlo();
      if (verb === 'STAR') return void say(script.starttls ?? '220 2.0.0 go ahead');
      if (verb === 'MAIL') {
        if (say(script.mail?.(line, connection) ?? '250 2.1.0 ok')) mail = line;
      } else if (verb === 'RCPT') {
        if (mail === undefined) say('503 5.5.1 need MAIL');
        else if (say(script.rcpt?.(line, connection) ?? '250 2.1.5 ok')) recipients.push(line);
      } else if (verb === 'DATA') {
        if (recipients.length === 0) say('554 5.5.1 no valid recipients');
        else inContent = say(script.data?.(connection) ?? '354 go ahead');
      } else if (verb === 'RSET') {
        mail = undefined;
        recipients = [];
        say('250 2.0.0 reset');
      } else if (verb === 'QUIT') {
        say('221 2.0.0 bye');
        peer.end();
      } else say('502 5.5.1 unknown');
    }

    function contentEnd(wire: string): void {
      const content = wire.replace(/^\./gm, '');
      const message: HopMessage = { mail: mail ?? '', recipients, content, tls: secure };
      inContent = false;
      mail = undefined;
      recipients = [];
      if (say(script.end?.(message, connection) ?? `250 2.0.0 queued as ${messages.length + 1}`))
        messages.push(message);
    }

    function consume(): void {
      for (;;) {
        const mark = inContent
          ? buffered.startsWith('.\r\n')
            ? 0
            : buffered.indexOf('\r\n.\r\n')
          : buffered.indexOf('\r\n');
        if (mark < 0) return;
        if (inContent) {
          const lone = mark === 0 && buffered.startsWith('.\r\n');
          const wire = lone ? '' : buffered.slice(0, mark + 2);
          buffered = buffered.slice(lone ? 3 : mark + 5);
          contentEnd(wire);
        } else {
          const line = buffered.slice(0, mark);
          buffered = buffered.slice(mark + 2);
          command(line);
        }
      }
    }

    peer.received = (bytes) => {
      buffered += latin1(bytes);
      consume();
    };
    peer.handshake = (wanted) => {
      connection.handshakes.push(wanted);
      if (typeof script.tls === 'string') return script.tls;
      secure = true;
      return script.tls ?? VERIFIED;
    };
    say(script.greeting ?? '220 hop.example ESMTP');
  };

  return { listen, messages, connections };
}
