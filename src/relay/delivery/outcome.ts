import type { Hop, Outcome, RemoteReply } from '../../base/outcome.ts';
import { statusClass, statuses, type Status, type StatusKey } from '../../base/status.ts';
import type { RouteEnd } from './settings.ts';
import type { TlsRefusal } from '../access/tls.ts';
import type { RecipientResult } from '../../protocol/smtp/client-event.ts';

/** What the client engine found out about one recipient, as an outcome. */
export function outcomeOf(result: RecipientResult, hop: Hop, dsnRelayed: boolean): Outcome {
  switch (result.kind) {
    case 'delivered':
      return { kind: 'delivered', status: statuses.delivered, remote: result.reply, hop, dsnRelayed };
    case 'refused':
      return refusal(result.reply, hop);
    case 'unsupported':
      return failure(result.status, statuses[result.status].text, hop);
    case 'lost':
      break;
  }
  return failure(result.status, result.detail, hop);
}

/** A 4xx or 5xx reply as an outcome; what the server said is kept beside our conclusion. */
export function refusal(remote: RemoteReply, hop: Hop): Outcome {
  const detail = `in reply to ${remote.command}: ${replyLine(remote)}`;
  if (remote.code >= 500) return { kind: 'failed', status: statuses['remote-refused'], remote, hop, detail };
  return { kind: 'deferred', status: statuses['remote-deferred'], remote, hop, detail };
}

/** A conclusion of our own: `failed` or `deferred` by the class of its status. */
export function failure(key: StatusKey, detail: string, hop: Hop | undefined, remote?: RemoteReply): Outcome {
  const status = statuses[key];
  return { kind: statusClass(status) === 5 ? 'failed' : 'deferred', status, remote, hop, detail };
}

/** Where a route says that mail goes nowhere. */
export function endOf(end: RouteEnd, domain: string): Outcome {
  const hop = { host: domain, address: undefined, port: 0 };
  if (end.kind === 'discard') {
    const remote = { code: 250, enhanced: '2.0.0', text: 'thrown away, as the route says', command: 'route' };
    return { kind: 'delivered', status: statuses.delivered, remote, hop, dsnRelayed: true };
  }
  if (end.kind === 'hold') {
    const detail = `the route of ${domain} holds: ${end.reason}`;
    return { kind: 'deferred', status: statuses['route-holds'], remote: undefined, hop: undefined, detail, held: true };
  }
  const { code, enhanced, text } = routeReply(end.reply);
  const status: Status = { ...statuses['route-refuses'], code, enhanced, text };
  const kind = statusClass(status) === 5 ? 'failed' : 'deferred';
  return { kind, status, remote: undefined, hop: undefined, detail: `the route of ${domain} refuses: ${text}` };
}

/** What a route refuses with: both codes and the text. */
export function routeReply(reply: string): {
  readonly code: number;
  readonly enhanced: string | undefined;
  readonly text: string;
} {
  const [, code, enhanced, text] = /^(?:([45]\d\d)(?:\s+([45]\.\d{1,3}\.\d{1,3}))?\s+)?(.*)$/s.exec(
    reply,
  ) as unknown as [string, string | undefined, string | undefined, string];
  const { code: usual, enhanced: usualEnhanced } = statuses['route-refuses'];
  if (code === undefined) return { code: usual, enhanced: usualEnhanced, text };
  // RFC 2034 §4: both codes are of one class.
  return { code: Number(code), enhanced: enhanced?.[0] === code[0] ? enhanced : `${code[0]}.0.0`, text };
}

/** What the hop is like is not good enough: in the words of the refusal, with the line that demands it. */
export function insecure({ status: key, reason, source }: TlsRefusal, hop: Hop): Outcome {
  const status: Status = { ...statuses[key], text: reason.replace(/\.$/, '') };
  const detail = source === undefined ? reason : `${reason}, says ${source}`;
  return { kind: statusClass(status) === 5 ? 'failed' : 'deferred', status, remote: undefined, hop, detail };
}

/** `550 5.7.1 text` */
export function replyLine(remote: RemoteReply): string {
  return `${remote.code} ${remote.enhanced === undefined ? '' : `${remote.enhanced} `}${remote.text}`;
}

/** The hop as events tell it: `mx.example.net [192.0.2.1]:25`. */
export function hopText(hop: Hop): string {
  if (hop.address === undefined) return `${hop.host}:${hop.port}`;
  return `${hop.host} [${hop.address}]:${hop.port}`;
}
