/**
 * The content of one message from its first byte until it is durable or given up. Whatever goes wrong, nothing of
 * it is left in the content store; only after the spool has it is it accepted.
 */
import type { Ms } from '../../base/clock.ts';
import { asFault, Fault } from '../../base/fault.ts';
import type { Id } from '../../base/id.ts';
import { statuses, type Dialect, type Status } from '../../base/status.ts';
import { formatDate } from '../../protocol/mime/date.ts';
import type { ListenerRole } from '../connection/connection.ts';
import type { Origin } from '../message/envelope.ts';
import { Intake, type TakenMessage } from '../message/intake.ts';
import { traceDate, traceHeader, type TraceFacts } from '../message/trace.ts';
import { headerRewriter } from '../recipients/masquerade.ts';
import type { Content, NewEntry } from '../spool/spool.ts';
import type { SessionLimits } from './limits.ts';
import type { SessionServices } from './services.ts';
import type { Transaction } from './transaction.ts';

/** How it ended. `fault`: the reason is ours and for the operator. */
export type Reception =
  | { readonly kind: 'accepted'; readonly message: TakenMessage }
  | {
      readonly kind: 'refused';
      readonly status: Status;
      readonly values: Readonly<Record<string, string | number>>;
      readonly fault: Fault | undefined;
    };

export type ReceptionServices = Pick<SessionServices, 'store' | 'contents' | 'route' | 'mintId' | 'events'>;

/** What the trace header tells of the peer. */
export type TracedPeer = Pick<
  TraceFacts,
  'helo' | 'extended' | 'greetedInTls' | 'address' | 'name' | 'forged' | 'authenticated' | 'tls'
>;

/** Gets ready for the content of a transaction: its id, its trace header, and on submission what may be missing. */
export function receive(
  transaction: Transaction,
  peer: TracedPeer,
  role: ListenerRole,
  dialect: Dialect,
  limits: SessionLimits,
  services: SessionServices,
): Receiver {
  const { clock, contents, hostname, version } = services;
  const { id, printedId } = transaction;
  const at = clock.now();
  const utcOffset = services.utcOffset(at);
  const { recipients, parameters } = transaction;
  const trace = traceHeader({
    ...peer,
    hostname,
    version,
    id: printedId,
    date: traceDate(at, utcOffset, dialect),
    recipients,
    smtputf8: parameters.smtputf8,
  });
  const { inlineContent, header, hops } = limits;
  const completion =
    role === 'submission' ? { date: formatDate(at, utcOffset), messageId: `<${printedId}@${hostname}>` } : undefined;
  const intake = new Intake(
    trace,
    { inlineContent, header, hops, completion, rewriter: headerRewriter(services.recipients()) },
    () => contents.create(id),
    parameters.size ?? 0,
  );
  return new Receiver(id, at, transaction, intake, services);
}

export class Receiver {
  readonly id: Id;
  readonly at: Ms;
  readonly #transaction: Transaction;
  readonly #intake: Intake;
  readonly #services: ReceptionServices;
  #state: 'open' | 'ending' | 'over' = 'open';
  /** Given up while it was being finished. */
  #unwanted = false;

  constructor(id: Id, at: Ms, transaction: Transaction, intake: Intake, services: ReceptionServices) {
    this.id = id;
    this.at = at;
    this.#transaction = transaction;
    this.#intake = intake;
    this.#services = services;
  }

  /** As Intake.take: a promise means wait. */
  take(bytes: Uint8Array): Promise<void> | undefined {
    return this.#intake.take(bytes);
  }

  /**
   * All content is there: makes it durable. `origin` is asked at the last moment, and may refuse by a status.
   * Does not reject.
   */
  async end(peer: string, origin: () => Origin | Status): Promise<Reception> {
    this.#state = 'ending';
    const waiting = this.#intake.finish();
    const result = waiting instanceof Promise ? await waiting : waiting;
    if (result.kind === 'refused') {
      this.#clear(this.#intake.abandon());
      return result;
    }
    const reception = await this.#store(result, peer, origin);
    if (reception.kind === 'refused' && result.content.kind === 'stored')
      this.#clear(this.#services.contents.drop(result.content.ref));
    return reception;
  }

  /** Throws away what came, unless it is on its way into the spool. */
  abandon(): void {
    this.#unwanted = true;
    if (this.#state === 'open') this.#clear(this.#intake.abandon());
  }

  async #store(message: TakenMessage, peer: string, origin: () => Origin | Status): Promise<Reception> {
    const copies: string[] = [];
    try {
      const from = origin();
      if ('key' in from) return refused(from, undefined);
      // Whoever sent it is gone without a reply and will send it again.
      if (this.#unwanted) return refused(statuses['local-error'], undefined);
      const [first, ...more] = this.#transaction.entries(this.id, this.at, message, peer, from, this.#services);
      // Each entry has a content of its own, for each may be the last to need it.
      const others: NewEntry[] = [];
      for (const entry of more) others.push({ ...entry, content: await this.#copy(entry, copies) });
      const added = await this.#services.store.accept([first, ...others]);
      // An entry with this id was there: ids clashed, and to say "accepted" would lose this message.
      if (added !== others.length + 1)
        throw new Fault(statuses['local-error'], `the spool had an entry ${this.id} already`);
      return { kind: 'accepted', message };
    } catch (thrown) {
      for (const ref of copies) this.#clear(this.#services.contents.drop(ref));
      const fault = asFault(thrown);
      return refused(fault.status, fault);
    }
  }

  async #copy({ id, content }: NewEntry, copies: string[]): Promise<Content> {
    if (content.kind === 'inline') return { kind: 'inline', bytes: content.bytes.slice() };
    const writer = this.#services.contents.create(id);
    try {
      for await (const piece of this.#services.contents.read(content.ref)) await writer.write(piece);
      const ref = await writer.finish();
      copies.push(ref);
      return { kind: 'stored', ref };
    } catch (thrown) {
      await writer.abandon();
      throw thrown;
    }
  }

  /** Sees the removal of content through; what is left over is swept up at the next start. */
  #clear(removal: Promise<void>): void {
    this.#state = 'over';
    removal.catch((thrown: unknown) => this.#trouble(thrown));
  }

  #trouble(thrown: unknown): void {
    this.#services.events.tell({
      kind: 'trouble',
      where: 'content of a message that was given up',
      detail: asFault(thrown).detail,
    });
  }
}

function refused(status: Status, fault: Fault | undefined): Reception {
  return { kind: 'refused', status, values: {}, fault };
}
