/** One mail transaction (RFC 5321 §3.3): the envelope as it grows, and what policy said of it. */
import type { Ms } from '../../base/clock.ts';
import type { Id } from '../../base/id.ts';
import type { MailParameters } from '../../protocol/smtp/server-event.ts';
import type { AccessSender } from '../access/facts.ts';
import type { Verdict } from '../access/verdict.ts';
import { principalName, type Principal } from '../identity/principal.ts';
import type { Envelope, Origin, Recipient } from '../message/envelope.ts';
import type { TakenMessage } from '../message/intake.ts';
import { HELD, type NewDelivery, type NewEntry } from '../spool/spool.ts';
import { ruleOf } from './peer-event.ts';
import type { SessionServices } from './services.ts';

export class Transaction {
  readonly id: Id;
  /** The same as replies, headers and logs have it. */
  readonly printedId: string;
  /** `local@domain`, '' for the null reverse-path. */
  readonly reversePath: string;
  /** The same as typed and parsed, for policy. */
  readonly sender: AccessSender;
  readonly parameters: MailParameters;
  readonly recipients: Recipient[] = [];
  /** Policy said DISCARD somewhere: replies are as usual, nothing is queued (the whole message, as in Sendmail). */
  discarded = false;
  /** Policy said QUARANTINE somewhere: queued on hold. */
  quarantined = false;
  /** What decided last, for the log. */
  rule: string | undefined;

  constructor(id: Id, printedId: string, reversePath: string, sender: AccessSender, parameters: MailParameters) {
    this.id = id;
    this.printedId = printedId;
    this.reversePath = reversePath;
    this.sender = sender;
    this.parameters = parameters;
  }

  /** Takes in a verdict that did not reject. */
  heed(verdict: Exclude<Verdict, { kind: 'reject' }>): void {
    if (verdict.kind === 'discard') this.discarded = true;
    else if (verdict.kind === 'quarantine') this.quarantined = true;
    this.rule = ruleOf(verdict.trail) ?? this.rule;
  }

  /** Whether every recipient stands for nobody. */
  get isForNobody(): boolean {
    return this.#destined().length === 0;
  }

  /** Those that recipients stand for, or themselves; each once when several lead there. */
  #destined(): readonly Recipient[] {
    if (this.recipients.every(({ others }) => others === undefined)) return this.recipients;
    const all = this.recipients.flatMap((one) => one.others ?? [one]);
    return [...new Map(all.toReversed().map((one) => [one.address, one])).values()].toReversed();
  }

  envelope(): Omit<Envelope, 'recipients'> {
    const { body, smtputf8, ret, envid } = this.parameters;
    return { reversePath: this.reversePath, body, smtputf8, ret, envid };
  }

  /**
   * What is to be made durable: one entry, and one more for each other reverse-path (owners of lists). All have the same
   * content; the first has the id that was told to the peer.
   */
  entries(
    id: Id,
    at: Ms,
    message: TakenMessage,
    peer: string,
    origin: Origin,
    services: Pick<SessionServices, 'route' | 'mintId'>,
  ): readonly [NewEntry, ...NewEntry[]] {
    const { content, size, messageId } = message;
    const groups = Map.groupBy(this.#destined(), ({ reversePath }) => reversePath ?? this.reversePath);
    const made = [...groups].map(([reversePath, recipients], index): NewEntry => {
      // RFC 3461 §5.2.7.3: what the sender asked to be told of ends at the list.
      const ended = reversePath === this.reversePath ? {} : { ret: undefined, envid: undefined };
      return {
        id: index === 0 ? id : services.mintId(),
        at,
        envelope: { ...this.envelope(), reversePath, ...ended },
        origin,
        messageId,
        peer,
        size,
        content,
        deliveries: this.#deliveries(recipients, at, services),
      };
    });
    return made as [NewEntry, ...NewEntry[]];
  }

  #deliveries(
    recipients: readonly Recipient[],
    at: Ms,
    services: Pick<SessionServices, 'route' | 'mintId'>,
  ): readonly NewDelivery[] {
    const due = this.quarantined ? HELD : at;
    return recipients.map((recipient): NewDelivery => {
      const { dest, lane } = services.route(recipient.domain);
      return {
        id: services.mintId(),
        lane,
        dest,
        recipient: recipient.address,
        notify: recipient.notify,
        orcpt: recipient.orcpt,
        due,
      };
    });
  }
}

/** Who logged in by a password, else only a certificate that counts; one that failed says nothing about who sent this. */
export function originOf(principal: Principal, loggedIn?: string): Origin {
  if (principal.kind !== 'verified') return { holder: loggedIn, serial: undefined };
  return { holder: loggedIn ?? principalName(principal), serial: principal.certificate.serial };
}
