/** What an SMTP server says: replies on their way out, what the session is to hear, and the errors a peer has made. */
import { utf8 } from '../../base/bytes.ts';
import type { Statuses, StatusKey } from '../../base/status.ts';
import { firstWord, isVerb, shownWord } from './command.ts';
import { formatReply, replyOf, replyText, type Reply } from './reply.ts';
import type { ServerEvent } from './server-event.ts';

const NOTHING = new Uint8Array();

export class ServerVoice {
  /** Events that wait for the session. While there are any, no more is read. */
  readonly events: ServerEvent[] = [];
  /** Refused commands. */
  errors = 0;
  readonly statuses: Statuses;
  #out = '';

  constructor(statuses: Statuses) {
    this.statuses = statuses;
  }

  reply(status: StatusKey, values: Readonly<Record<string, string | number>> = {}): Reply {
    return replyOf(this.statuses[status], values);
  }

  say(reply: Reply): void {
    this.#out += formatReply(reply);
  }

  /** Refuses what stood on a line; the session hears of it. */
  refuse(line: string, status: StatusKey, values: Readonly<Record<string, string | number>> = {}): void {
    this.refuseWith(line, this.reply(status, values));
  }

  refuseWith(line: string, reply: Reply): void {
    this.count(reply);
    this.events.push({ kind: 'refused', command: loggable(line), reply: replyText(reply) });
    this.say(reply);
  }

  /** Refuses content, or a part of it: the message is off. */
  refuseContent(reply: Reply): void {
    this.count(reply);
    this.events.push({ kind: 'content-refused', reply: replyText(reply) });
    this.say(reply);
  }

  /** What is refused for good is an error of the peer. */
  count(reply: Reply): void {
    if (reply.code >= 500) this.errors++;
  }

  /** What is to be sent now. */
  take(): Uint8Array {
    if (this.#out === '') return NOTHING;
    const bytes = utf8(this.#out);
    this.#out = '';
    return bytes;
  }
}

/**
 * A line as it may stand in a log: short and without control characters. Of AUTH only the mechanism, and nothing of
 * what begins with no verb: it may be a response to an exchange that was refused.
 */
function loggable(line: string): string {
  const word = firstWord(line);
  const verb = word.toUpperCase();
  if (!isVerb(verb)) return shownWord(word);
  const text = verb === 'AUTH' ? line.split(' ').slice(0, 2).join(' ') : line;
  // oxlint-disable-next-line no-control-regex -- just these are replaced
  return text.slice(0, 200).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
