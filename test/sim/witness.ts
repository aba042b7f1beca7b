/**
 * What the world saw of a relay from outside, and what must hold of it: the truth that simulations are judged by. It
 * knows clients' submissions and hops' arrivals, and of the relay's inside nothing but which rows survived a crash.
 */
import type { Ms } from '../../src/base/clock.ts';
import type { BodyType, Notify } from '../../src/protocol/smtp/server-event.ts';

/** What the client was told of one recipient; `lost`: nothing, the connection ended first. */
export type Answer = 'open' | 'accepted' | 'refused' | 'lost';

export interface SubmittedRecipient {
  readonly address: string;
  readonly domain: string;
  readonly notify: Notify | undefined;
  answer: Answer;
}

/** One transaction of a client. Addresses of recipients occur in one submission only. */
export interface Submission {
  readonly messageId: string;
  readonly reversePath: string;
  readonly recipients: readonly SubmittedRecipient[];
  readonly content: string;
  readonly body: BodyType;
  readonly at: Ms;
  /** From the reply to the content. */
  queueId: string | undefined;
}

/** One message that a hop took responsibility for. */
export interface Arrival {
  readonly at: Ms;
  readonly host: string;
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly content: string;
  /** The hop offers DSN, and so takes over the duty to tell. */
  readonly dsn: boolean;
  /** Its 250 reached the relay. */
  replied: boolean;
}

interface Notice {
  readonly id: string;
  readonly at: Ms;
  readonly to: string;
  readonly action: string;
  readonly about: string;
}

/** An arrival for one recipient. */
interface Taken {
  readonly arrival: Arrival;
  readonly moment: Ms;
  excused: boolean;
}

export interface WitnessRules {
  readonly now: () => Ms;
  readonly monotonic: () => Ms;
  /** No recipient is tried again sooner than this, unless the program began anew or its clock was stepped. */
  readonly soonestRetry: Ms;
  readonly expiry: Ms;
  readonly delayNotice: Ms;
  /** Whether mail for this domain can never be delivered. */
  readonly isHopeless: (domain: string) => boolean;
}

export class Witness {
  readonly violations: string[] = [];
  readonly submissions: Submission[] = [];
  readonly arrivals: Arrival[] = [];
  readonly #rules: WitnessRules;
  readonly #byMessageId = new Map<string, Submission>();
  readonly #byRecipient = new Map<
    string,
    { readonly submission: Submission; readonly recipient: SubmittedRecipient }
  >();
  /** By Message-ID and recipient, what arrived; `excused`: the relay could not know that it had. */
  readonly #arrived = new Map<string, Taken[]>();
  /** Recipients that a hop refused for good. */
  readonly #refused = new Set<string>();
  readonly #notices = new Map<string, Notice>();
  /** When the program began, or its clock was stepped, last. */
  #began: Ms = 0;

  constructor(rules: WitnessRules) {
    this.#rules = rules;
  }

  violated(text: string): void {
    this.violations.push(text);
  }

  // What happens

  submitted(submission: Submission): void {
    this.submissions.push(submission);
    this.#byMessageId.set(submission.messageId, submission);
    for (const recipient of submission.recipients) this.#byRecipient.set(recipient.address, { submission, recipient });
  }

  /** A hop refused a recipient by 5xx. */
  refused(address: string): void {
    this.#refused.add(address);
  }

  arrived(arrival: Arrival): void {
    this.arrivals.push(arrival);
    const messageId = /^Message-ID: (\S+)\r$/im.exec(arrival.content)?.[1] ?? '';
    const moment = this.#rules.monotonic();
    for (const recipient of arrival.recipients) {
      const key = keyOf(messageId, recipient);
      const before = this.#arrived.get(key) ?? [];
      if (before.some((one) => one.arrival.replied && !one.excused))
        this.violated(`${messageId} to ${recipient} arrived again at ${arrival.host}, although it was taken before`);
      const last = before.at(-1);
      // Once content may have been taken no other host is offered it, until the next attempt (RFC 5321 §4.5.4.1).
      if (last !== undefined && last.moment > this.#began && moment - last.moment < this.#rules.soonestRetry)
        this.violated(
          `${messageId} to ${recipient} arrived twice in one attempt, at ${last.arrival.host} and ${arrival.host}`,
        );
      this.#arrived.set(key, [...before, { arrival, moment, excused: false }]);
    }
    const submission = this.#byMessageId.get(messageId);
    if (submission !== undefined) this.#checkMail(arrival, submission);
    else this.#checkNotice(arrival, messageId);
  }

  /** A life begins and finds these rows. What arrived and is still there is sent again; `excused`: rightly so. */
  began(rows: readonly { readonly messageId: string; readonly recipient: string }[], excused: boolean): void {
    this.#began = this.#rules.monotonic();
    if (!excused) return;
    for (const { messageId, recipient } of rows)
      for (const one of this.#arrived.get(keyOf(messageId, recipient)) ?? []) one.excused = true;
  }

  /** The wall clock was stepped: what waits may be tried sooner. */
  clockStepped(): void {
    this.#began = this.#rules.monotonic();
  }

  // What must hold at once

  #checkMail(arrival: Arrival, submission: Submission): void {
    const { messageId, recipients, reversePath } = submission;
    if (arrival.reversePath !== reversePath)
      this.violated(`${messageId} came from <${arrival.reversePath}> and not from <${reversePath}>`);
    for (const address of arrival.recipients) {
      const recipient = recipients.find((one) => one.address === address);
      if (recipient === undefined) this.violated(`${messageId} came for ${address}, who is none of its recipients`);
      else if (recipient.answer === 'refused') this.violated(`${messageId} came for ${address}, who was refused`);
    }
    const trace = /^Received: from [^\r\n]*\r\n(?:\t[^\r\n]*\r\n)+/.exec(arrival.content)?.[0];
    if (trace === undefined) return this.violated(`${messageId} came without a trace header`);
    if (!/\r\n\tby relay\.example\.net \(Sealpost\/[^)]+\) with E?SMTPS? id [0-9A-Z]{11}(?:;|\r\n)/.test(trace))
      this.violated(`${messageId} came with this trace header: ${trace}`);
    if (submission.queueId !== undefined && !trace.includes(` id ${submission.queueId}`))
      this.violated(`${messageId} was answered ${submission.queueId} and came with this trace header: ${trace}`);
    if (arrival.content.slice(trace.length) !== submission.content)
      this.violated(
        `${messageId} came with other content: ${arrival.content.length - trace.length} octets for ${submission.content.length}`,
      );
  }

  #checkNotice(arrival: Arrival, id: string): void {
    const { content } = arrival;
    if (arrival.reversePath !== '' || !/^Content-Type: multipart\/report/m.test(content))
      return this.violated(`mail from nowhere came to ${arrival.recipients.join(', ')}: ${content.slice(0, 300)}`);
    if (arrival.recipients.length !== 1 || arrival.recipients[0] === '')
      this.violated(`notice ${id} came to <${arrival.recipients.join('>, <')}>`);
    const groups = content.matchAll(/^Final-Recipient: rfc822; (\S+)\r\nAction: (\w+)\r\n/gm);
    let count = 0;
    for (const [, about = '', action = ''] of groups) {
      count += 1;
      this.#checkTold({ id, at: arrival.at, to: arrival.recipients[0] ?? '', action, about });
    }
    if (count === 0) this.violated(`notice ${id} is about nobody`);
  }

  #checkTold(notice: Notice): void {
    const { about, action, at, id, to } = notice;
    const key = `${about} ${action}`;
    const earlier = this.#notices.get(key);
    if (earlier === undefined) this.#notices.set(key, notice);
    else if (earlier.id !== id) this.violated(`two notices, ${earlier.id} and ${id}, tell that ${about} ${action}`);
    const found = this.#byRecipient.get(about);
    if (found === undefined) return this.violated(`notice ${id} is about ${about}, whom nobody wrote to`);
    const { submission, recipient } = found;
    const age = at - submission.at;
    if (submission.reversePath === '') this.violated(`notice ${id} is about mail with the null reverse-path`);
    else if (to !== submission.reversePath) this.violated(`notice ${id} about ${about} went to ${to}`);
    if (recipient.notify === 'never') this.violated(`notice ${id} is about ${about}, with NOTIFY=NEVER`);
    if (action === 'failed') {
      if (!this.#mayFail(submission, recipient) && age < this.#rules.expiry)
        this.violated(`notice ${id} tells that ${about} failed, whom no hop refused`);
      if (!asks(recipient, 'failure')) this.violated(`notice ${id} tells that ${about} failed, unasked`);
    } else if (action === 'delayed') {
      if (age < this.#rules.delayNotice) this.violated(`notice ${id} tells of a delay of ${about} too early`);
      if (!asks(recipient, 'delay')) this.violated(`notice ${id} tells of a delay of ${about}, unasked`);
    } else if (action === 'relayed') {
      if (this.#taken(submission, recipient).length === 0)
        this.violated(`notice ${id} tells that ${about} was relayed, which it was not`);
      if (!asks(recipient, 'success')) this.violated(`notice ${id} tells that ${about} was relayed, unasked`);
    } else this.violated(`notice ${id} has the action ${action}`);
  }

  // What must hold in the end

  /** To be called when all is over. */
  judge(): void {
    for (const submission of this.submissions) {
      for (const recipient of submission.recipients) {
        if (recipient.answer === 'open') this.violated(`${recipient.address} was never answered`);
        if (recipient.answer === 'accepted') this.#judge(submission, recipient);
      }
    }
  }

  #judge(submission: Submission, recipient: SubmittedRecipient): void {
    const { address } = recipient;
    const taken = this.#taken(submission, recipient);
    const failed = this.#notices.has(`${address} failed`);
    const isTold = submission.reversePath !== '' && recipient.notify !== 'never';
    if (taken.length === 0) {
      const isDue = isTold && asks(recipient, 'failure');
      if (isDue && !failed) this.violated(`${address} was answered 250, never arrived, and nobody was told`);
      // Expiry shows in the notice alone; where none is due, a hop must have refused it, or its time is over.
      const isOver = this.#rules.now() - submission.at >= this.#rules.expiry;
      if (!isDue && !isOver && !this.#mayFail(submission, recipient))
        this.violated(`${address} was answered 250 and never arrived`);
      return;
    }
    if (failed && taken.every(({ arrival, excused }) => arrival.replied && !excused))
      this.violated(`${address} arrived, and its failure was told`);
    const last = taken.at(-1)?.arrival;
    const relayed = this.#notices.has(`${address} relayed`);
    if (isTold && asks(recipient, 'success') && taken.every(({ arrival }) => !arrival.dsn) && !relayed && !failed)
      this.violated(`${address} asked for a notice of success from a hop without DSN, and got none`);
    if (relayed && last?.dsn === true && taken.length === 1)
      this.violated(`${address} was told as relayed by a hop that tells itself`);
  }

  #taken(submission: Submission, recipient: SubmittedRecipient): readonly Taken[] {
    return this.#arrived.get(keyOf(submission.messageId, recipient.address)) ?? [];
  }

  #mayFail({ body }: Submission, recipient: SubmittedRecipient): boolean {
    // No hop of these worlds takes binary content.
    if (body === 'BINARYMIME') return true;
    return this.#refused.has(recipient.address) || this.#rules.isHopeless(recipient.domain);
  }
}

function keyOf(messageId: string, recipient: string): string {
  return `${messageId} ${recipient}`;
}

/** RFC 3461 §5.2: without NOTIFY, failure and delay are told. */
function asks(recipient: SubmittedRecipient, what: 'success' | 'failure' | 'delay'): boolean {
  const { notify } = recipient;
  return notify === undefined ? what !== 'success' : notify !== 'never' && notify.includes(what);
}
