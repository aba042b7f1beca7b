import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromLatin1, latin1 } from '../../base/bytes.ts';
import { statuses, type StatusKey } from '../../base/status.ts';
import { formatAddress } from './address.ts';
import type { ClientTransaction, RecipientResult } from './client-event.ts';
import { clientEngine, type ClientEngine } from './client.ts';
import { replyOf } from './reply.ts';
import type { BodyType, Notify, ServerEvent } from './server-event.ts';
import { serverEngine, type ServerEngine } from './server.ts';

/** What the server says to each step of one message. */
interface Decisions {
  readonly mail: StatusKey;
  readonly recipients: readonly StatusKey[];
  readonly start: StatusKey;
  readonly end: StatusKey;
}

interface Message {
  readonly transaction: ClientTransaction;
  readonly content: Uint8Array;
  /** Where the content is cut into pieces. */
  readonly cuts: readonly number[];
  readonly decisions: Decisions;
}

/** What the server took in. */
interface Taken {
  readonly reversePath: string;
  readonly recipients: readonly {
    readonly address: string;
    readonly notify: Notify | undefined;
    readonly orcpt: string | undefined;
  }[];
  readonly body: BodyType;
  readonly smtputf8: boolean;
  readonly ret: string | undefined;
  readonly envid: string | undefined;
  readonly content: string;
}

class ServerSide {
  readonly engine: ServerEngine;
  readonly taken: Taken[] = [];
  readonly refused: string[] = [];
  secureNow = false;
  decisions: Decisions | undefined;
  #mail: Extract<ServerEvent, { kind: 'mail' }> | undefined;
  #asked = 0;
  #recipients: Taken['recipients'][number][] = [];
  #content: Uint8Array[] = [];

  constructor(starttls: boolean) {
    this.engine = serverEngine('hop.example', {
      commandLine: 512,
      authLine: 12_288,
      messageSize: 100_000,
      recipients: 100,
      messagesPerSession: 100,
      errors: 1000,
      idleCommands: 1000,
      buffer: 65_536,
    });
    this.engine.greet(replyOf(statuses.greeting, { hostname: 'hop.example' }));
    this.engine.offer({ starttls: starttls ? 'offered' : 'off', auth: [] });
  }

  drain(): void {
    for (let event = this.engine.next(); event !== undefined; event = this.engine.next()) this.#heard(event);
  }

  #answer(key: StatusKey): boolean {
    this.engine.answer(replyOf(statuses[key]));
    return statuses[key].code < 400;
  }

  #heard(event: ServerEvent): void {
    const { decisions } = this;
    switch (event.kind) {
      case 'hello':
        this.#answer('hello');
        return;
      case 'starttls':
        this.#answer('start-tls');
        this.secureNow = true;
        return;
      case 'mail':
        this.#asked = 0;
        this.#recipients = [];
        this.#content = [];
        if (this.#answer(decisions?.mail ?? 'ok')) this.#mail = event;
        return;
      case 'recipient': {
        const { notify, orcpt } = event.parameters;
        const key = decisions?.recipients[this.#asked++] ?? 'ok';
        if (this.#answer(key)) this.#recipients.push({ address: formatAddress(event.address), notify, orcpt });
        return;
      }
      case 'content-start':
        this.#answer(decisions?.start ?? 'start-mail');
        return;
      case 'content':
        this.#content.push(event.bytes.slice());
        return;
      case 'content-end': {
        if (!this.#answer(decisions?.end ?? 'accepted') || this.#mail === undefined) return;
        const { address, parameters } = this.#mail;
        this.taken.push({
          reversePath: address === undefined ? '' : formatAddress(address),
          recipients: this.#recipients,
          body: parameters.body,
          smtputf8: parameters.smtputf8,
          ret: parameters.ret,
          envid: parameters.envid,
          content: latin1(concat(this.#content)),
        });
        return;
      }
      case 'refused':
        this.refused.push(`${event.command} → ${event.reply}`);
        return;
      case 'content-refused':
        this.refused.push(event.reply);
        return;
      default:
    }
  }
}

/** Sends messages through both engines, with the bytes of both directions cut as told. */
function converse(
  messages: readonly Message[],
  starttls: boolean,
  cutting: () => number,
): { readonly server: ServerSide; readonly results: RecipientResult[][]; readonly end: string } {
  const server = new ServerSide(starttls);
  const client: ClientEngine = clientEngine({
    hostname: 'relay.example',
    limits: { replyTime: 300_000, contentTime: 600_000 },
  });
  const results: RecipientResult[][] = [];
  let end = '';
  let at = 0;
  let sent = 0;
  let secure = false;
  let handshake = false;

  function pieceOf(message: Message): void {
    const bounds = [...message.cuts, message.content.length]
      .map((cut) => Math.min(cut, message.content.length))
      .sort((a, b) => a - b);
    const from = sent === 0 ? 0 : (bounds[sent - 1] as number);
    const to = bounds[sent] as number;
    sent++;
    client.content(message.content.subarray(from, to), sent === bounds.length);
  }

  function startNext(): void {
    const message = messages[at];
    if (message === undefined) return client.quit();
    sent = 0;
    server.decisions = message.decisions;
    client.transaction(message.transaction);
  }

  function clientDrain(): void {
    for (let event = client.next(); event !== undefined; event = client.next()) {
      if (event.kind === 'ready') {
        if (starttls && !secure) client.startTls();
        else startNext();
      } else if (event.kind === 'secure') handshake = true;
      else if (event.kind === 'done') {
        results.push([...event.results]);
        at++;
        if (client.ready) startNext();
      } else if (event.kind === 'closed') end = event.detail;
    }
    while (client.wantsContent) {
      const message = messages[at];
      if (message === undefined) return;
      pieceOf(message);
      for (let event = client.next(); event !== undefined && event.kind === 'content-wanted'; event = client.next());
    }
  }

  function deliver(bytes: Uint8Array, receive: (piece: Uint8Array) => void): void {
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + cutting());
      receive(bytes.slice(from, to));
      from = to;
    }
  }

  for (let round = 0; round < 2_000; round++) {
    const reply = server.engine.output();
    deliver(reply, (piece) => {
      client.receive(piece);
      clientDrain();
    });
    if (handshake && server.secureNow) {
      handshake = false;
      server.secureNow = false;
      secure = true;
      server.engine.secured({ version: 'TLSv1.3' });
      server.engine.offer({ starttls: 'off', auth: [] });
      client.secured();
      clientDrain();
    }
    const said = client.output();
    deliver(said, (piece) => {
      server.engine.receive(piece);
      server.drain();
    });
    if (said.length === 0 && reply.length === 0) break;
  }
  return { server, results, end };
}

function expectedOf(message: Message): string[] {
  const { mail, recipients, start, end } = message.decisions;
  const chunked = message.transaction.body === 'BINARYMIME';
  return message.transaction.recipients.map((_, index) => {
    const steps: StatusKey[] = [mail, recipients[index] ?? 'ok', ...(chunked ? [] : [start]), end];
    const refusal = steps.find((key) => statuses[key].code >= 400);
    return refusal === undefined ? `delivered ${statuses[end].code}` : `refused ${statuses[refusal].code}`;
  });
}

const refusal = fc.constantFrom<StatusKey>('access-denied', 'local-error', 'relaying-denied');
const oftenOk = (ok: StatusKey): fc.Arbitrary<StatusKey> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(ok) }, { weight: 1, arbitrary: refusal });

const localPart = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,8}(\.[a-z0-9]{1,4})?$/),
  fc.constantFrom('"a b"', '"x@y"', '"q\\"q"', '">"'),
);
const address = fc
  .tuple(localPart, fc.constantFrom('example.org', 'x.example', '[192.0.2.1]'))
  .map(([local, domain]) => `${local}@${domain}`);
const notify = fc.constantFrom<Notify | undefined>(
  undefined,
  'never',
  ['success'],
  ['failure', 'delay'],
  ['success', 'failure', 'delay'],
);
const orcpt = fc.constantFrom(undefined, 'rfc822;a+2Bb@example.org');
const recipient = fc.record({ address, notify, orcpt }, { noNullPrototype: true });

const lines = fc
  .array(fc.constantFrom('.', '..', '.x', 'text', '', 'x.', '\u00e9'), { maxLength: 12 })
  .map((all) => fromLatin1(all.map((line) => `${line}\r\n`).join('')));
const octets = fc.uint8Array({ maxLength: 60 });

const message: fc.Arbitrary<Message> = fc
  .record({
    reversePath: fc.oneof(address, fc.constant('')),
    recipients: fc.array(recipient, { minLength: 1, maxLength: 4 }),
    body: fc.constantFrom<BodyType>('7BIT', '8BITMIME', 'BINARYMIME'),
    smtputf8: fc.boolean(),
    ret: fc.constantFrom('FULL' as const, 'HDRS' as const, undefined),
    envid: fc.constantFrom(undefined, 'id=1 +'),
    text: lines,
    binary: octets,
    cuts: fc.array(fc.nat(60), { maxLength: 4 }),
    mail: oftenOk('ok'),
    accepts: fc.array(oftenOk('ok'), { minLength: 4, maxLength: 4 }),
    start: oftenOk('start-mail'),
    end: oftenOk('accepted'),
  })
  .map(({ reversePath, recipients, body, smtputf8, ret, envid, text, binary, cuts, mail, accepts, start, end }) => {
    const content = body === 'BINARYMIME' ? binary : text;
    return {
      transaction: { reversePath, recipients, body, smtputf8, ret, envid, size: content.length },
      content,
      cuts,
      // Whether BDAT may start is not asked apart: a refused chunk is a refused message.
      decisions: { mail, recipients: accepts, start: body === 'BINARYMIME' ? 'start-mail' : start, end },
    };
  });

describe('client engine against server engine', () => {
  test('hold whole conversations, however their bytes are cut: what arrives is what was sent, what is told is what was said', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (messages, starttls, sizes) => {
          let turn = 0;
          const { server, results, end } = converse(messages, starttls, () => sizes[turn++ % sizes.length] as number);
          assert.equal(end, 'closed after QUIT');
          assert.deepEqual(
            results.map((each) =>
              each.map((result) =>
                result.kind === 'delivered' || result.kind === 'refused'
                  ? `${result.kind} ${result.reply.code}`
                  : result.kind,
              ),
            ),
            messages.map(expectedOf),
          );
          const expected = messages
            .filter((each) => expectedOf(each).some((line) => line.startsWith('delivered')))
            .map(({ transaction, content, decisions }): Taken => {
              const { reversePath, body, smtputf8, ret, envid } = transaction;
              const recipients = transaction.recipients.filter(
                (_, index) => statuses[decisions.recipients[index] as StatusKey].code < 400,
              );
              return { reversePath, recipients, body, smtputf8, ret, envid, content: latin1(content) };
            });
          assert.deepEqual(server.taken, expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('nothing of ours is refused for its syntax', () => {
    const one: Message = {
      transaction: {
        reversePath: 'a@example.org',
        recipients: [{ address: '"b c"@example.org', notify: ['delay'], orcpt: 'rfc822;x' }],
        body: '8BITMIME',
        smtputf8: true,
        ret: 'FULL',
        envid: 'e e',
        size: 3,
      },
      content: fromLatin1('.\r\n'),
      cuts: [1],
      decisions: { mail: 'ok', recipients: ['ok'], start: 'start-mail', end: 'accepted' },
    };
    const { server, results } = converse([one, one], true, () => 7);
    assert.deepEqual(server.refused, []);
    assert.equal(results.length, 2);
    assert.equal(server.taken[1]?.content, '.\r\n');
  });
});
