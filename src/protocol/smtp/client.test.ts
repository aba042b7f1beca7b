import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, fromLatin1, latin1, utf8 } from '../../base/bytes.ts';
import type { ClientEvent, ClientTransaction, RecipientResult } from './client-event.ts';
import { clientEngine, type ClientEngine } from './client.ts';

const MINUTE = 60_000;

function engine(): ClientEngine {
  return clientEngine({ hostname: 'relay.example', limits: { replyTime: 5 * MINUTE, contentTime: 10 * MINUTE } });
}

const DEFAULT: ClientTransaction = {
  reversePath: 'alice@example.net',
  recipients: [{ address: 'bob@example.org', notify: undefined, orcpt: undefined }],
  body: '7BIT',
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  size: 10,
};

function to(...addresses: string[]): Pick<ClientTransaction, 'recipients'> {
  return { recipients: addresses.map((address) => ({ address, notify: undefined, orcpt: undefined })) };
}

/** The engine with a short-hand for a conversation: what it says, and what it makes of an answer. */
class Talk {
  readonly engine = engine();
  events: ClientEvent[] = [];

  /** Hears a reply, and gives what is said then. */
  hear(text: string): string {
    this.engine.receive(fromLatin1(text));
    this.drain();
    return this.said();
  }

  drain(): void {
    for (let event = this.engine.next(); event !== undefined; event = this.engine.next()) this.events.push(event);
  }

  said(): string {
    return latin1(this.engine.output());
  }

  start(transaction: Partial<ClientTransaction> = {}): string {
    this.engine.transaction({ ...DEFAULT, ...transaction });
    this.drain();
    return this.said();
  }

  content(text: string, last = true): string {
    this.engine.content(fromLatin1(text), last);
    this.drain();
    return this.said();
  }

  /** Kinds of what happened since the last look. */
  kinds(): string[] {
    return this.events.splice(0).map((event) => event.kind);
  }

  results(): readonly RecipientResult[] {
    const done = this.events.splice(0).find((event) => event.kind === 'done');
    assert.ok(done?.kind === 'done', 'the transaction is not over');
    return done.results;
  }
}

function ready(...capabilities: string[]): Talk {
  const talk = new Talk();
  assert.equal(talk.hear('220 mx ESMTP\r\n'), 'EHLO relay.example\r\n');
  const lines = ['mx', ...capabilities];
  talk.hear(lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''));
  assert.deepEqual(talk.kinds(), ['ready']);
  return talk;
}

function summary(results: readonly RecipientResult[]): string[] {
  return results.map((result) => {
    switch (result.kind) {
      case 'delivered':
      case 'refused':
        return `${result.kind} ${result.reply.code} ${result.reply.command}`;
      case 'unsupported':
        return `unsupported ${result.status}`;
      case 'lost':
        break;
    }
    return `lost ${result.status}${result.ambiguous ? ' ambiguous' : ''}`;
  });
}

describe('client engine: greeting', () => {
  test('falls back to HELO where EHLO is unknown, and then offers nothing', () => {
    const talk = new Talk();
    talk.hear('220 old\r\n');
    assert.equal(talk.hear('502 what?\r\n'), 'HELO relay.example\r\n');
    talk.hear('250 hello\r\n');
    assert.deepEqual(talk.kinds(), ['ready']);
    assert.equal(talk.engine.capabilities.size, 0);
    assert.equal(talk.start(), 'MAIL FROM:<alice@example.net>\r\n');
  });

  test('a refused greeting leaves only QUIT', () => {
    const talk = new Talk();
    assert.equal(talk.hear('554 5.3.2 go away\r\n'), '');
    assert.deepEqual(talk.events, [
      {
        kind: 'refused',
        stage: 'greeting',
        reply: { code: 554, enhanced: '5.3.2', text: 'go away', command: 'greeting' },
      },
    ]);
    talk.engine.quit();
    assert.equal(talk.said(), 'QUIT\r\n');
    assert.throws(() => talk.engine.transaction(DEFAULT));
  });

  test('EHLO refused for now is no reason for HELO', () => {
    const talk = new Talk();
    talk.hear('220 mx\r\n');
    assert.equal(talk.hear('450 4.7.1 later\r\n'), '');
    assert.deepEqual(talk.kinds(), ['refused']);
  });

  test('multi-line greetings and replies are one reply', () => {
    const talk = new Talk();
    assert.equal(talk.hear('220-mx\r\n220-second line\r\n'), '');
    assert.equal(talk.hear('220 third\r\n'), 'EHLO relay.example\r\n');
  });

  test('of a long reply only the beginning is remembered', () => {
    const talk = ready();
    talk.start();
    talk.hear('250 ok\r\n');
    talk.hear(`${`550-5.1.1 ${'x'.repeat(500)}\r\n`.repeat(400)}550 5.1.1 end\r\n`);
    talk.hear('250 ok\r\n');
    const [result] = talk.results();
    assert.ok(result?.kind === 'refused' && result.reply.code === 550 && result.reply.enhanced === '5.1.1');
    assert.match(result.reply.text, /^x{500} x{500} x{500} x+ \[\.\.\.\]$/);
    assert.ok(result.reply.text.length < 2_010);
  });

  test('garbage ends the conversation', () => {
    for (const garbage of ['HTTP/1.1 400 Bad Request\r\n', '220 mx\n', '99 x\r\n', `220 ${'x'.repeat(5000)}`]) {
      const talk = new Talk();
      talk.hear(garbage);
      const event = talk.events.at(-1);
      assert.ok(event?.kind === 'closed' && event.status === 'remote-protocol', garbage.slice(0, 20));
    }
  });

  test('an answer of a class that does not fit ends the conversation', () => {
    for (const code of ['250', '354', '221']) {
      const talk = new Talk();
      talk.hear(`${code} hm\r\n`);
      assert.deepEqual(talk.kinds(), ['closed'], code);
    }
  });
});

describe('client engine: transaction', () => {
  test('with PIPELINING the envelope is one flight and content follows 354', () => {
    const talk = ready('PIPELINING', 'SIZE 1000', '8BITMIME');
    assert.equal(
      talk.start({ body: '8BITMIME' }),
      'MAIL FROM:<alice@example.net> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n',
    );
    assert.equal(talk.hear('250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n'), '');
    assert.deepEqual(talk.kinds(), ['content-wanted']);
    assert.equal(talk.content('Subject: x\r\n\r\n.dot\r\n'), 'Subject: x\r\n\r\n..dot\r\n.\r\n');
    talk.hear('250 2.0.0 queued\r\n');
    assert.deepEqual(talk.results(), [
      { kind: 'delivered', reply: { code: 250, enhanced: '2.0.0', text: 'queued', command: 'end of DATA' } },
    ]);
    assert.equal(
      talk.start(),
      'MAIL FROM:<alice@example.net> SIZE=10\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n',
      'no RSET after a clean end',
    );
  });

  test('without PIPELINING each command waits for its reply', () => {
    const talk = ready('DSN');
    const recipients = [
      { address: 'a@x.example', notify: ['success', 'failure'] as const, orcpt: 'rfc822;A+2BB@x.example' },
      { address: 'b@x.example', notify: 'never' as const, orcpt: undefined },
    ];
    assert.equal(
      talk.start({ reversePath: '', recipients, ret: 'HDRS', envid: 'a b=+' }),
      'MAIL FROM:<> RET=HDRS ENVID=a+20b+3D+2B\r\n',
    );
    assert.equal(
      talk.hear('250 ok\r\n'),
      'RCPT TO:<a@x.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;A+2BB@x.example\r\n',
    );
    assert.equal(talk.hear('550 no\r\n'), 'RCPT TO:<b@x.example> NOTIFY=NEVER\r\n');
    assert.equal(talk.hear('250 ok\r\n'), 'DATA\r\n');
    talk.hear('354 go\r\n');
    assert.equal(talk.content('text'), 'text\r\n.\r\n');
    talk.hear('451 4.3.0 disk\r\n');
    assert.deepEqual(summary(talk.results()), ['refused 550 RCPT TO', 'refused 451 end of DATA']);
  });

  test('parameters that are not offered are not sent', () => {
    const talk = ready('PIPELINING');
    const recipients = [{ address: 'b@x.example', notify: 'never' as const, orcpt: 'rfc822;b@x.example' }];
    assert.equal(
      talk.start({ recipients, ret: 'FULL', envid: 'e', body: '8BITMIME' }).split('\r\n')[0],
      'MAIL FROM:<alice@example.net>',
    );
  });

  test('MAIL refused: all get its reply, whatever follows, and a DATA accepted all the same is ended at once', () => {
    for (const [data, lone] of [
      ['503 no\r\n', ''],
      ['354 go\r\n', '.\r\n'],
    ] as const) {
      const talk = ready('PIPELINING');
      talk.start(to('a@x.example', 'b@x.example'));
      assert.equal(talk.hear(`550 5.7.1 no\r\n503 no\r\n250 what\r\n${data}`), lone);
      if (lone !== '') talk.hear('554 no recipients\r\n');
      assert.deepEqual(summary(talk.results()), ['refused 550 MAIL FROM', 'refused 550 MAIL FROM']);
      assert.equal(talk.engine.ready, true);
    }
  });

  test('all recipients refused: 354 is answered by the lone dot, its result ignored', () => {
    const talk = ready('PIPELINING');
    talk.start(to('a@x.example', 'b@x.example'));
    assert.equal(talk.hear('250 ok\r\n550 no\r\n450 later\r\n354 go\r\n'), '.\r\n');
    assert.deepEqual(talk.kinds(), []);
    talk.hear('250 taken, strangely\r\n');
    assert.deepEqual(summary(talk.results()), ['refused 550 RCPT TO', 'refused 450 RCPT TO']);
  });

  test('after a refused DATA the next transaction begins with RSET', () => {
    const talk = ready('PIPELINING');
    talk.start();
    talk.hear('250 ok\r\n250 ok\r\n451 4.3.0 not now\r\n');
    assert.deepEqual(summary(talk.results()), ['refused 451 DATA']);
    assert.match(talk.start(), /^RSET\r\nMAIL FROM/);
    talk.hear('250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n');
    assert.deepEqual(talk.kinds(), ['content-wanted']);
    const step = ready();
    step.start();
    step.hear('250 ok\r\n');
    step.hear('550 no\r\n');
    assert.deepEqual(summary(step.results()), ['refused 550 RCPT TO']);
    assert.equal(step.start(), 'RSET\r\n');
    assert.match(step.hear('250 reset\r\n'), /^MAIL FROM/);
  });

  test('what the server lacks fails before a word is sent', () => {
    const cases: [string[], Partial<ClientTransaction>, string][] = [
      [['SIZE 9'], {}, 'remote-size'],
      [[], { smtputf8: true }, 'utf8-unsupported'],
      [['SMTPUTF8'], to('bøb@x.example'), 'utf8-unsupported'],
      [['BINARYMIME'], { body: 'BINARYMIME' }, '8bit-unsupported'],
      [[], { reversePath: 'a\r\nRSET@x' }, 'bad-sender-address'],
      [[], to('a>\r\nRCPT TO:<b@x.example'), 'bad-recipient-address'],
    ];
    for (const [capabilities, transaction, status] of cases) {
      const talk = ready(...capabilities);
      assert.equal(talk.start(transaction), '', status);
      assert.deepEqual(summary(talk.results()), [`unsupported ${status}`]);
      assert.equal(talk.engine.ready, true);
    }
    for (const size of ['SIZE', 'SIZE 0', 'SIZE 10', 'SIZE x']) assert.match(ready(size).start(), /SIZE=10/, size);
  });

  test('only the recipients that can be written are offered', () => {
    const talk = ready('PIPELINING');
    assert.equal(
      talk.start(to('bøb@x.example', 'c@x.example')),
      'MAIL FROM:<alice@example.net>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n',
    );
    talk.hear('250 ok\r\n250 ok\r\n354 go\r\n');
    talk.content('x\r\n');
    talk.hear('250 ok\r\n');
    assert.deepEqual(summary(talk.results()), ['unsupported utf8-unsupported', 'delivered 250 end of DATA']);
  });

  test('SMTPUTF8 addresses go out in UTF-8', () => {
    const talk = ready('PIPELINING', 'SMTPUTF8', '8BITMIME');
    talk.engine.transaction({ ...DEFAULT, ...to('bøb@exämple.org'), smtputf8: true, body: '8BITMIME' });
    assert.deepEqual(
      talk.engine.output(),
      Buffer.from(
        utf8('MAIL FROM:<alice@example.net> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<bøb@exämple.org>\r\nDATA\r\n'),
      ),
    );
  });
});

describe('client engine: BDAT', () => {
  test('binary content goes in chunks, as it is', () => {
    const talk = ready('PIPELINING', 'BINARYMIME', 'CHUNKING');
    assert.equal(
      talk.start({ body: 'BINARYMIME' }),
      'MAIL FROM:<alice@example.net> BODY=BINARYMIME\r\nRCPT TO:<bob@example.org>\r\n',
    );
    talk.hear('250 ok\r\n250 ok\r\n');
    assert.equal(talk.content('.\r\n\n', false), 'BDAT 4\r\n.\r\n\n');
    assert.equal(talk.content('end', true), 'BDAT 3 LAST\r\nend');
    talk.hear('250 4\r\n250 done\r\n');
    assert.deepEqual(summary(talk.results()), ['delivered 250 BDAT']);
  });

  test('without PIPELINING the next chunk waits', () => {
    const talk = ready('BINARYMIME', 'CHUNKING');
    talk.start({ body: 'BINARYMIME' });
    talk.hear('250 ok\r\n');
    talk.hear('250 ok\r\n');
    assert.deepEqual(talk.kinds(), ['content-wanted']);
    talk.content('abc', false);
    assert.equal(talk.engine.wantsContent, false);
    talk.hear('250 3\r\n');
    assert.deepEqual(talk.kinds(), ['content-wanted']);
    assert.equal(talk.content('', true), 'BDAT 0 LAST\r\n');
  });

  test('a refused chunk ends it once all replies are in; RSET goes before the next', () => {
    const talk = ready('PIPELINING', 'BINARYMIME', 'CHUNKING');
    talk.start({ body: 'BINARYMIME' });
    talk.hear('250 ok\r\n250 ok\r\n');
    talk.content('abc', false);
    talk.content('def', false);
    talk.kinds();
    talk.hear('552 5.3.4 too big\r\n');
    assert.equal(talk.engine.wantsContent, false);
    assert.equal(talk.content('ghi', true), '', 'nobody wants it');
    assert.deepEqual(talk.kinds(), []);
    talk.hear('503 no\r\n');
    assert.deepEqual(summary(talk.results()), ['refused 552 BDAT']);
    assert.match(talk.start(), /^RSET\r\n/);
  });
});

describe('client engine: the end', () => {
  test('421 ends it at any time, with what it means for each recipient', () => {
    const cases: [string, string[]][] = [
      ['421 4.3.2 bye\r\n', ['refused 421 MAIL FROM', 'refused 421 MAIL FROM']],
      ['250 ok\r\n550 no\r\n421 4.3.2 bye\r\n', ['refused 550 RCPT TO', 'refused 421 RCPT TO']],
      ['550 no\r\n421 4.3.2 bye\r\n', ['refused 550 MAIL FROM', 'refused 550 MAIL FROM']],
      ['250 ok\r\n250 ok\r\n250 ok\r\n421 bye\r\n', ['refused 421 DATA', 'refused 421 DATA']],
    ];
    for (const [replies, expected] of cases) {
      const talk = ready('PIPELINING');
      talk.start(to('a@x.example', 'b@x.example'));
      talk.hear(replies);
      const events = talk.events.map((event) => event.kind);
      assert.deepEqual(events, ['done', 'closed']);
      assert.deepEqual(summary(talk.results()), expected);
    }
    const idle = ready();
    idle.hear('421 4.4.2 idle\r\n');
    assert.deepEqual(idle.kinds(), ['closed']);
  });

  test('a connection lost before MAIL was answered has lost nothing else', () => {
    const talk = ready('PIPELINING');
    talk.start();
    talk.engine.ended('connection-lost', 'reset');
    talk.drain();
    const done = talk.events[0];
    assert.ok(done?.kind === 'done' && !done.answered);
    assert.deepEqual(summary(done.results), ['lost connection-lost']);
    assert.deepEqual(talk.events[1], {
      kind: 'closed',
      status: 'connection-lost',
      reply: undefined,
      detail: 'reset while waiting for the reply to MAIL FROM',
    });
  });

  test('lost after the last octet of content is ambiguous, before it is not', () => {
    for (const last of [false, true]) {
      const talk = ready('PIPELINING');
      talk.start(to('a@x.example', 'b@x.example'));
      talk.hear('250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n');
      talk.content('x\r\n', last);
      talk.engine.ended('remote-timeout', 'too slow');
      talk.drain();
      assert.deepEqual(summary(talk.results()), [
        'refused 550 RCPT TO',
        `lost remote-timeout${last ? ' ambiguous' : ''}`,
      ]);
    }
  });

  test('a refusal amid content counts, an acceptance does not', () => {
    for (const [reply, expected] of [
      ['552 5.3.4 big\r\n', 'refused 552 content'],
      ['250 ok\r\n', 'lost remote-protocol'],
    ] as const) {
      const talk = ready('PIPELINING');
      talk.start();
      talk.hear('250 ok\r\n250 ok\r\n354 go\r\n');
      talk.content('x\r\n', false);
      assert.equal(talk.hear(reply), '');
      assert.deepEqual(summary(talk.results()), [expected]);
      assert.equal(talk.engine.ready, false);
    }
  });

  test('replies that nobody asked for end it', () => {
    const talk = ready();
    talk.hear('250 by the way\r\n');
    assert.deepEqual(talk.kinds(), ['closed']);
  });
});

describe('client engine: STARTTLS and AUTH', () => {
  test('after TLS all is asked anew', () => {
    const talk = ready('STARTTLS', 'PIPELINING', 'SIZE 5');
    talk.engine.startTls();
    assert.equal(talk.said(), 'STARTTLS\r\n');
    assert.equal(talk.hear('220 go\r\n'), '');
    assert.deepEqual(talk.kinds(), ['secure']);
    talk.engine.secured();
    assert.equal(talk.said(), 'EHLO relay.example\r\n');
    assert.equal(talk.engine.capabilities.size, 0);
    talk.hear('250 mx\r\n');
    assert.deepEqual(talk.kinds(), ['ready']);
    assert.equal(talk.start(), 'MAIL FROM:<alice@example.net>\r\n');
  });

  test('bytes in clear behind the 220 end it, in one piece or in two', () => {
    for (const pieces of [['220 go\r\n250 injected\r\n'], ['220 go\r\n', '250 injected\r\n'], ['220 go\r\n2']]) {
      const talk = ready('STARTTLS');
      talk.engine.startTls();
      talk.said();
      for (const piece of pieces) talk.hear(piece);
      assert.deepEqual(talk.kinds(), ['secure', 'closed'], JSON.stringify(pieces));
      talk.engine.secured();
      assert.equal(talk.said(), '', 'nothing is said any more');
    }
  });

  test('bytes that were not looked at when TLS came up do not survive either', () => {
    const talk = ready('STARTTLS');
    talk.engine.startTls();
    talk.said();
    talk.hear('220 go\r\n');
    talk.engine.receive(fromLatin1('250-mx\r\n250 PIPELINING\r\n'));
    talk.engine.secured();
    talk.drain();
    assert.equal(talk.said(), '');
    assert.deepEqual(talk.kinds(), ['secure', 'closed']);
  });

  test('a refused STARTTLS leaves the conversation in clear', () => {
    const talk = ready('STARTTLS');
    talk.engine.startTls();
    talk.said();
    talk.hear('454 4.7.0 not available\r\n');
    assert.deepEqual(talk.kinds(), ['refused']);
    assert.equal(talk.engine.ready, true);
  });

  test('AUTH EXTERNAL, at once or asked again', () => {
    const talk = ready('AUTH EXTERNAL');
    talk.engine.authenticate('EXTERNAL', new Uint8Array(0));
    assert.equal(talk.said(), 'AUTH EXTERNAL =\r\n');
    assert.equal(talk.hear('334 \r\n'), '');
    assert.deepEqual(talk.kinds(), ['auth-challenge']);
    talk.engine.authRespond(undefined);
    assert.equal(talk.said(), '*\r\n');
    talk.hear('501 cancelled\r\n');
    assert.deepEqual(talk.kinds(), ['refused']);
    talk.engine.authenticate('EXTERNAL', Buffer.from('alice@example.net'));
    assert.equal(talk.said(), 'AUTH EXTERNAL YWxpY2VAZXhhbXBsZS5uZXQ=\r\n');
    talk.hear('235 2.7.0 ok\r\n');
    assert.deepEqual(talk.kinds(), ['authenticated']);
    assert.equal(talk.engine.ready, true);
  });

  test('an initial response that the command has no room for follows the first challenge (RFC 4954 §4)', () => {
    const talk = ready('AUTH PLAIN');
    talk.engine.authenticate('PLAIN', new Uint8Array(600));
    assert.equal(talk.said(), 'AUTH PLAIN\r\n');
    assert.equal(talk.hear('334 \r\n'), `${'A'.repeat(800)}\r\n`);
    talk.hear('334 not base64\r\n');
    assert.deepEqual(talk.kinds(), ['auth-challenge']);
  });
});

describe('client engine: patience', () => {
  test('depends on what is awaited (RFC 5321 §4.5.3.2)', () => {
    const talk = new Talk();
    assert.equal(talk.engine.patience, 5 * MINUTE);
    talk.hear('220 mx\r\n');
    talk.hear('250-mx\r\n250 PIPELINING\r\n');
    assert.equal(talk.engine.patience, undefined);
    talk.start();
    assert.equal(talk.engine.patience, 5 * MINUTE);
    talk.hear('250 ok\r\n250 ok\r\n');
    assert.equal(talk.engine.patience, 2 * MINUTE);
    talk.hear('354 go\r\n');
    assert.equal(talk.engine.patience, 3 * MINUTE);
    talk.content('x\r\n');
    assert.equal(talk.engine.patience, 10 * MINUTE);
  });
});

/** Bytes that look like a conversation often enough to get far into one. */
const serverBytes = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom(
          '220 mx\r\n',
          '250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n',
          '250 ok\r\n',
          '354 go\r\n',
          '250-BINARYMIME\r\n250-CHUNKING\r\n250 x\r\n',
        ),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          '550 5.1.1 no\r\n',
          '450 later\r\n',
          '421 bye\r\n',
          '334 \r\n',
          '503 x\r\n',
          '250-part\r\n',
        ),
      },
      { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
    ),
    { maxLength: 24 },
  )
  .map((parts) => fromLatin1(parts.join('')));

/** Plays a caller that answers each event in a fixed way, over the bytes cut as told; gives all that happened. */
function play(
  bytes: Uint8Array,
  cuts: readonly number[],
  body: '7BIT' | 'BINARYMIME',
  tls: boolean,
): { log: string[]; sent: string } {
  const client = engine();
  const log: string[] = [];
  const out: Uint8Array[] = [];
  let messages = 0;
  let steps = 0;
  const heard = (event: ClientEvent): void => {
    log.push(event.kind === 'done' ? `done ${summary(event.results).join(', ')} ${event.answered}` : event.kind);
    if (event.kind === 'secure' && tls) return;
    if (event.kind === 'content-wanted') client.content(fromLatin1('Subject: x\r\n\r\n.\r\n'), true);
    else if (client.ready && tls && messages === 0 && event.kind === 'ready' && client.capabilities.has('STARTTLS'))
      client.startTls();
    else if (client.ready && messages < 4) {
      messages++;
      client.transaction({ ...DEFAULT, body, ...to('a@x.example', 'b@x.example') });
    }
  };
  const drain = (): void => {
    for (let event = client.next(); event !== undefined; event = client.next()) {
      assert.ok(++steps < 10_000, 'does not end');
      heard(event);
    }
    out.push(client.output());
  };
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut < from || cut > bytes.length) continue;
    client.receive(bytes.subarray(from, cut));
    drain();
    from = cut;
  }
  client.ended('connection-lost', 'end');
  drain();
  return { log, sent: latin1(concat(out)) };
}

describe('client engine: properties', () => {
  const body = fc.constantFrom('7BIT' as const, 'BINARYMIME' as const);

  test('any bytes: never throws, ends with closed, every transaction has its results', () => {
    fc.assert(
      fc.property(serverBytes, body, fc.boolean(), (bytes, kind, tls) => {
        const { log } = play(bytes, [], kind, tls);
        assert.equal(log.filter((line) => line === 'closed').length, 1);
        assert.equal(log.at(-1), 'closed');
      }),
    );
  });

  test('cutting the bytes elsewhere changes nothing', () => {
    fc.assert(
      fc.property(
        serverBytes,
        fc.array(fc.nat(400), { maxLength: 12 }),
        body,
        fc.boolean(),
        (bytes, cuts, kind, tls) => {
          const whole = play(bytes, [], kind, tls);
          const cut = play(
            bytes,
            [...cuts].sort((a, b) => a - b),
            kind,
            tls,
          );
          assert.deepEqual(cut.log, whole.log);
          // What was being said when the conversation ended may or may not have left before; all else is the same.
          assert.ok(cut.sent.startsWith(whole.sent) || whole.sent.startsWith(cut.sent));
        },
      ),
    );
  });

  test('nothing that is said can be taken for more than one command', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 1 }),
        fc.string(),
        fc.string(),
        fc.boolean(),
        (reversePath, address, envid, orcpt, smtputf8) => {
          const talk = ready('PIPELINING', 'DSN', 'SMTPUTF8', 'SIZE');
          const said = talk.start({
            reversePath,
            recipients: [{ address, notify: ['delay'], orcpt }],
            envid,
            ret: 'FULL',
            smtputf8,
          });
          if (said === '') return;
          const lines = said.split('\r\n');
          assert.deepEqual(
            lines.map((line) => line.slice(0, 4)),
            ['MAIL', 'RCPT', 'DATA', ''],
          );
          assert.ok(!/[\r\n]/.test(lines.join('')));
        },
      ),
    );
  });
});
