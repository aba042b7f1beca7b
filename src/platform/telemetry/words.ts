/** Events as one line of words for people. What peers sent is printed with control characters made visible. */
import type { EventPeer, RelayEvent } from '../../base/event.ts';
import { queueId } from '../../base/id.ts';

/** What happened, without time and level: `accepted 0ABC… from <a@b> to <c@d>, 4.1 KB, by alice (serial 0a…) …`. */
export function eventWords(event: RelayEvent): string {
  return visible(words(event));
}

function words(event: RelayEvent): string {
  switch (event.kind) {
    case 'connected':
      return `connected ${at(event.peer)} to ${event.listener}`;
    case 'secured': {
      const shown =
        event.subject === undefined ? 'no certificate' : `certificate ${event.subject} of ${event.issuer ?? '?'}`;
      const why = event.reason === undefined ? '' : ` (${event.reason})`;
      return `TLS ${event.version} ${event.cipher}${event.resumed ? ', resumed' : ''}, ${shown}: verify=${event.peer.verify}${why}${by(event.peer)} ${at(event.peer)}`;
    }
    case 'handshake-failed':
      return `TLS handshake failed: ${event.detail} ${at(event.peer)}`;
    case 'authenticated':
      return `authenticated as ${event.identity} by ${event.mechanism}${by(event.peer)} ${at(event.peer)}`;
    case 'disconnected':
      return `disconnected after ${seconds(event.span)}, ${count(event.messages, 'message')}: ${event.reason} ${at(event.peer)}`;
    case 'refused': {
      const path = event.reversePath === undefined ? '' : ` from <${event.reversePath}>`;
      const to = event.recipient === undefined ? '' : ` to <${event.recipient}>`;
      return `refused at ${event.stage}${path}${to}: ${event.reply}${ruled(event.rule)}${by(event.peer)} ${at(event.peer)}`;
    }
    case 'accepted': {
      const id = event.messageId === undefined ? '' : `, message-id ${event.messageId}`;
      return `accepted ${queueId(event.id)} from <${event.reversePath}> to ${addresses(event.recipients)}, ${octets(event.size)}${id}${ruled(event.rule)}${by(event.peer)} ${at(event.peer)}`;
    }
    case 'discarded':
      return `discarded from <${event.reversePath}> to ${addresses(event.recipients)}${ruled(event.rule)}${by(event.peer)} ${at(event.peer)}`;
    case 'attempted': {
      const hop = event.hop === undefined ? '' : ` by ${event.hop}`;
      const tls = event.tls === undefined ? '' : ` (${event.tls})`;
      const remote = event.remote === undefined ? '' : `, it said: ${event.remote}`;
      const next = event.nextAt === undefined ? '' : `, again at ${new Date(event.nextAt).toISOString()}`;
      const times = event.attempts > 1 ? `, attempt ${event.attempts}` : '';
      return `${event.outcome} ${queueId(event.id)} to <${event.recipient}>${hop}${tls}: ${event.status}${remote}, after ${seconds(event.delay)}${times}${next}${certificate(event.holder, event.serial)}`;
    }
    case 'settled':
      return `settled ${queueId(event.id)}`;
    case 'notified':
      return `notice ${queueId(event.id)} (${event.action}) about ${queueId(event.about)} to <${event.to}>`;
    case 'announced':
      return `notice ${queueId(event.id)} to <${event.to}>: ${event.subject}`;
    case 'issued':
      return `issued ${event.profile} certificate ${event.serial} for ${event.holder}: ${event.subject}, until ${new Date(event.notAfter).toISOString()}`;
    case 'revoked':
      return `revoked certificate ${event.serial} of ${event.holder}: ${event.reason}`;
    case 'started':
      return `Sealpost ${event.version} started: ${event.listeners.join(', ')}`;
    case 'reloaded':
      return `reloaded ${event.what}`;
    case 'stopping':
      return `stopping: ${event.signal}`;
    case 'queue-changed':
      return `queue: ${event.action} by ${event.by}: ${event.ids.length === 0 ? 'nothing' : event.ids.map(queueId).join(' ')}`;
    default:
      return `trouble in ${event.where}: ${event.detail}`;
  }
}

function at(peer: EventPeer): string {
  return `[${peer.session} ${peer.address}]`;
}

function by(peer: EventPeer): string {
  return certificate(peer.holder, peer.serial);
}

function certificate(holder: string | undefined, serial: string | undefined): string {
  if (serial === undefined) return '';
  return holder === undefined ? `, serial ${serial}` : `, holder ${holder} serial ${serial}`;
}

function ruled(rule: string | undefined): string {
  return rule === undefined ? '' : `, by ${rule}`;
}

function addresses(list: readonly string[]): string {
  const shown = list.slice(0, 3).map((address) => `<${address}>`);
  return list.length > 3 ? `${shown.join(' ')} and ${list.length - 3} more` : shown.join(' ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function octets(size: number): string {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${(size / 1_024).toFixed(1)} KB` : `${(size / 1_048_576).toFixed(1)} MB`;
}

function seconds(span: number): string {
  return span < 60_000 ? `${(span / 1_000).toFixed(1)} s` : `${Math.round(span / 60_000)} min`;
}

/** Control characters as `\xHH`, so that no peer can forge a line or steer a terminal. */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is searched
  return text.replace(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}
