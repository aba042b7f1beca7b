/**
 * Events as Sendmail's log has them, for the programs that read it: what stands behind `sendmail[pid]: ` in a line of
 * syslog. Fields that we know nothing of (pri, xdelay) are left out, which readers of such logs are used to. What
 * Sendmail has no line for is told in our own words and under our own name, so that it is not counted as Sendmail's.
 */
import type { Ms } from '../../base/clock.ts';
import type { EventPeer, RelayEvent } from '../../base/event.ts';
import { sendmailQueueId, type Id } from '../../base/id.ts';
import { eventWords, visible } from './words.ts';

/** How many messages are remembered whose notice may still be told. */
const REMEMBERED = 1_000;

type EventOf<K extends RelayEvent['kind']> = Extract<RelayEvent, { kind: K }>;

/** What an event is in the log: the name in front, and lines. */
export interface SendmailEntry {
  readonly program: 'sendmail' | 'sealpost';
  readonly lines: readonly string[];
}

/** A function from events to entries; a notice about a message is told by what was said of the message before. */
export function sendmailLines(): (event: RelayEvent) => SendmailEntry {
  const last = new Map<Id, { readonly stat: string; readonly delay: Ms }>();
  return (event) => {
    if (event.kind === 'attempted' && event.outcome !== 'delivered') {
      last.delete(event.id);
      last.set(event.id, { stat: stat(event), delay: event.delay });
      if (last.size > REMEMBERED) last.delete(last.keys().next().value as Id);
    }
    const found = lines(event, last);
    if (found === undefined) return { program: 'sealpost', lines: [eventWords(event)] };
    return { program: 'sendmail', lines: found.map(visible) };
  };
}

/** Undefined: Sendmail has no such thing. */
function lines(
  event: RelayEvent,
  last: ReadonlyMap<Id, { readonly stat: string; readonly delay: Ms }>,
): string[] | undefined {
  switch (event.kind) {
    case 'secured':
      return secured(event);
    case 'handshake-failed':
      return [
        `STARTTLS=server, error: accept failed=-1, reason=${event.detail.replaceAll(',', ';')}, SSL_error=1, errno=0, retry=-1, relay=${event.peer.client}`,
      ];
    case 'authenticated':
      return [
        `AUTH=server, relay=${event.peer.client}, authid=${event.identity.replaceAll('=', '+3D')}, mech=${event.mechanism}, bits=0`,
      ];
    case 'refused':
      return [refused(event)];
    case 'accepted':
      return [from(event, event.messageId)];
    case 'discarded':
      return [
        from(event, undefined),
        ...event.recipients.map((to) => `${sendmailQueueId(event.id)}: to=<${to}>, delay=00:00:00, stat=discarded`),
      ];
    case 'attempted':
      return [attempted(event)];
    case 'notified': {
      const about = last.get(event.about);
      return [`${sendmailQueueId(event.about)}: ${sendmailQueueId(event.id)}: ${notice(event, about)}`];
    }
    case 'connected':
      return [`NOQUEUE: connect from ${event.peer.client}`];
    case 'settled':
    case 'disconnected':
      return [];
    case 'started':
      return [`starting daemon (Sealpost/${event.version}): SMTP on ${event.listeners.join(' ')}`];
    case 'trouble':
      return [`SYSERR(root): ${event.where}: ${event.detail}`];
    default:
      return undefined;
  }
}

function secured({ peer, version, cipher, bits, subject, issuer, reason }: EventOf<'secured'>): string[] {
  const handshake = `STARTTLS=server, relay=${peer.client}, version=${version}, verify=${peer.verify}, cipher=${cipher}, bits=${bits}/${bits}`;
  if (subject === undefined) return [handshake];
  const names = `cert-subject=${subject.slice(0, 256)}, cert-issuer=${(issuer ?? '').slice(0, 256)}`;
  return [handshake, `STARTTLS=server, ${names}, verifymsg=${reason ?? 'ok'}`];
}

/** What a rule refused has the rule's name; what the engine refused on its own is the reply alone. */
function refused(event: EventOf<'refused'>): string {
  const { id, peer, stage, reply, reversePath, recipient } = event;
  const head = id === undefined ? '' : `${sendmailQueueId(id)}: `;
  const unknown = /^550 5\.1\.1 (.*\.\.\. User unknown)$/.exec(reply)?.[1];
  if (unknown !== undefined) return `${head}${unknown}`;
  const rule = (name: string, args: string): string =>
    `${head}ruleset=${name}, ${args}, relay=${peer.client}, reject=${reply}`;
  if (stage === 'connect') return rule('check_relay', `arg1=${clientName(peer)}, arg2=${peer.address}`);
  if (stage === 'starttls') return rule('tls_client', `arg1=${peer.verify}, arg2=STARTTLS`);
  if (recipient !== undefined) return rule('check_rcpt', `arg1=<${recipient}>`);
  if (stage === 'mail' && reversePath !== undefined) return rule('check_mail', `arg1=<${reversePath}>`);
  return `${head === '' ? 'NOQUEUE: ' : head}--- ${reply}`;
}

function clientName({ client }: EventPeer): string {
  return client.split(' ', 1)[0] ?? client;
}

function from(
  event: Pick<EventOf<'accepted'>, 'id' | 'reversePath' | 'size' | 'recipients' | 'protocol' | 'listener' | 'peer'>,
  messageId: string | undefined,
): string {
  const { id, reversePath, size, recipients, protocol, listener, peer } = event;
  const msgid = messageId === undefined ? '' : `, msgid=${messageId}`;
  return `${sendmailQueueId(id)}: from=<${reversePath}>, size=${size}, class=0, nrcpts=${recipients.length}${msgid}, proto=${protocol}, daemon=${listener}, relay=${peer.client}`;
}

function attempted(event: EventOf<'attempted'>): string {
  const { id, recipient, hop, delay, status } = event;
  const dsn = /[245]\.\d{1,3}\.\d{1,3}/.exec(status)?.[0];
  const fields = [`to=<${recipient}>`, `delay=${interval(delay)}`, 'mailer=esmtp'];
  if (hop !== undefined) fields.push(`relay=${relay(hop)}`);
  if (dsn !== undefined) fields.push(`dsn=${dsn}`);
  fields.push(`stat=${stat(event)}`);
  return `${sendmailQueueId(id)}: ${fields.join(', ')}`;
}

/** `mx.example.net [192.0.2.1]:25` as `mx.example.net. [192.0.2.1]`. */
function relay(hop: string): string {
  const [, host = hop, address] = /^(\S+?)(?: (\[.*\]))?:\d+$/.exec(hop) ?? [];
  const isAddress = host.startsWith('[') || /^[\d.]+$|:/.test(host);
  const name = isAddress ? `[${host.replace(/^\[|\]$/g, '')}]` : host.endsWith('.') ? host : `${host}.`;
  return address === undefined ? name : `${name} ${address}`;
}

/** What Sendmail calls it; readers count by these words. */
function stat({ outcome, status, remote }: EventOf<'attempted'>): string {
  const said = remote?.replace(/^\d{3} (?:[245]\.\d{1,3}\.\d{1,3} )?/, '');
  const own = status.replace(/^(?:\d{3} )?(?:[245]\.\d{1,3}\.\d{1,3} )?/, '');
  if (outcome === 'delivered') return said === undefined ? 'Sent' : `Sent (${said})`;
  if (outcome === 'deferred') return `Deferred: ${remote ?? own}`;
  if (outcome === 'expired') return 'Cannot send message within time limit';
  if (status.includes('5.1.1') || remote?.includes(' 5.1.1 ') === true) return 'User unknown';
  return status.includes('5.1.2') ? 'Host unknown' : 'Service unavailable';
}

function notice(
  { action }: EventOf<'notified'>,
  about: { readonly stat: string; readonly delay: Ms } | undefined,
): string {
  if (action === 'failed') return `DSN: ${about?.stat ?? 'Service unavailable'}`;
  if (action !== 'delayed') return 'DSN: Return receipt';
  const hours = Math.max(1, Math.round((about?.delay ?? 0) / 3_600_000));
  return `sender notify: Warning: could not send message for past ${hours} hour${hours === 1 ? '' : 's'}`;
}

/** `00:01:02`, with days `2+00:01:02`. */
function interval(span: Ms): string {
  const seconds = Math.floor(span / 1_000);
  const two = (part: number): string => String(part).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 3_600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 86_400 ? clock : `${Math.floor(seconds / 86_400)}+${clock}`;
}
