/** Refusals: each is told as an event and given as a reply. */
import type { EventPeer, EventSink, RelayEvent } from '../../base/event.ts';
import type { Id } from '../../base/id.ts';
import type { StatusKey } from '../../base/status.ts';
import { replyOf, replyText, type Reply } from '../../protocol/smtp/reply.ts';
import type { ServerManner } from '../../protocol/smtp/server-manner.ts';
import type { Verdict } from '../access/verdict.ts';
import { ruleOf } from './peer-event.ts';

export type Refused = Extract<RelayEvent, { kind: 'refused' }>;
export type Stage = Refused['stage'];

/** What was being asked for: addresses as typed, or as the envelope has them. */
export interface Asked {
  readonly stage: Stage;
  readonly path?: string | undefined;
  readonly recipient?: string | undefined;
}

/** Of whom, in which transaction; as it is now. */
export interface RefusalFacts {
  readonly peer: EventPeer;
  readonly id: Id | undefined;
}

export class Refusals {
  readonly #events: EventSink;
  readonly #statuses: ServerManner['statuses'];
  readonly #facts: () => RefusalFacts;

  constructor(events: EventSink, statuses: ServerManner['statuses'], facts: () => RefusalFacts) {
    this.#events = events;
    this.#statuses = statuses;
    this.#facts = facts;
  }

  /** By a status. */
  by(asked: Asked, key: StatusKey, values: Readonly<Record<string, string | number>> = {}): Reply {
    return this.with(asked, replyOf(this.#statuses[key], values));
  }

  /** By what policy says. */
  because(asked: Asked, { reply, trail }: Extract<Verdict, { kind: 'reject' }>): Reply {
    return this.with(asked, reply, ruleOf(trail));
  }

  /** By this reply. */
  with(asked: Asked, reply: Reply, rule?: string): Reply {
    this.tell(asked, replyText(reply), rule);
    return reply;
  }

  /** The peer has the reply already. */
  tell({ stage, path, recipient }: Asked, reply: string, rule?: string): void {
    const { peer, id } = this.#facts();
    const [reversePath, to] = [withoutBrackets(path), withoutBrackets(recipient)];
    this.#events.tell({ kind: 'refused', peer, stage, reply, id, reversePath, recipient: to, rule });
  }
}

/** Events have addresses as envelopes have them, whatever stood in the command. */
function withoutBrackets(path: string | undefined): string | undefined {
  return path?.startsWith('<') && path.endsWith('>') ? path.slice(1, -1) : path;
}

/** Where in the session a command belongs that the engine refused on its own. */
export function stageOf(command: string): Stage {
  const verb = /^[A-Za-z]*/.exec(command)?.[0].toUpperCase();
  if (verb === 'MAIL') return 'mail';
  if (verb === 'RCPT') return 'recipient';
  if (verb === 'DATA' || verb === 'BDAT') return 'content';
  return verb === 'AUTH' ? 'auth' : 'hello';
}
