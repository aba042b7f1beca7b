import type { Hop, Outcome, RemoteReply } from '../../base/outcome.ts';
import { statusClass, statuses, type StatusKey } from '../../base/status.ts';
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

/** `550 5.7.1 text` */
export function replyLine(remote: RemoteReply): string {
  return `${remote.code} ${remote.enhanced === undefined ? '' : `${remote.enhanced} `}${remote.text}`;
}

/** The hop as events tell it: `mx.example.net [192.0.2.1]:25`. */
export function hopText(hop: Hop): string {
  if (hop.address === undefined) return `${hop.host}:${hop.port}`;
  return `${hop.host} [${hop.address}]:${hop.port}`;
}
