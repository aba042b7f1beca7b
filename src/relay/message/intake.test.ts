import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { Intake, type ContentSink, type IntakeSettings, type RefusedMessage, type TakenMessage } from './intake.ts';

const TRACE = 'Received: from a (b)\r\n\tby c; d\r\n';
const COMPLETION = { date: 'Tue, 24 Nov 2026 02:21:48 +0000', messageId: '<ID@relay.example>' };

function settings(changes: Partial<IntakeSettings> = {}): IntakeSettings {
  return { inlineContent: 1000, header: 2000, hops: 3, completion: undefined, ...changes };
}

interface MemorySink extends ContentSink {
  readonly pieces: Uint8Array[];
  state: 'open' | 'finished' | 'abandoned';
}

function memorySink(failAt: 'never' | 'write' | 'finish' = 'never'): MemorySink {
  return {
    pieces: [],
    state: 'open',
    async write(bytes) {
      await Promise.resolve();
      if (failAt === 'write') throw new Fault(statuses['storage-full'], 'disk full');
      this.pieces.push(bytes);
    },
    async finish() {
      await Promise.resolve();
      if (failAt === 'finish') throw new Fault(statuses['storage-failed'], 'no sync');
      this.state = 'finished';
      return 'ref';
    },
    async abandon() {
      await Promise.resolve();
      this.state = 'abandoned';
    },
  };
}

/** Runs a content, cut into pieces, through an intake. */
async function run(
  pieces: readonly (string | Uint8Array)[],
  options: { settings?: IntakeSettings; sink?: MemorySink; expected?: number } = {},
): Promise<TakenMessage | RefusedMessage> {
  const intake = new Intake(
    TRACE,
    options.settings ?? settings(),
    () => options.sink ?? assert.fail('no sink'),
    options.expected ?? 0,
  );
  for (const piece of pieces) {
    // The bytes are only lent: they change as soon as take() is done with them.
    const lent = Uint8Array.from(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    await intake.take(lent);
    lent.fill(0x21);
  }
  const result = await intake.finish();
  if (result.kind === 'refused') await intake.abandon();
  return result;
}

function inline(result: TakenMessage | RefusedMessage): string {
  assert.ok(result.kind === 'taken');
  const { content, size } = result;
  assert.ok(content.kind === 'inline');
  assert.equal(content.bytes.length, size);
  assert.equal(content.bytes.buffer.byteLength, size, 'a buffer of its own');
  return Buffer.from(content.bytes).toString('latin1');
}

describe('intake on relay', () => {
  it('keeps the content byte for byte behind the trace header', async () => {
    const content = 'Subject: x\r\nbcc: b@example.net\r\n\r\nbody\xff\r\n';
    assert.equal(inline(await run([content])), TRACE + content);
  });

  it('keeps any content, cut anywhere, inline or not', async () => {
    const line = fc.constantFrom(
      'Subject: x\r\n',
      'To: a@example.net,\r\n b@example.net\r\n',
      '\r\n',
      'no field\r\n',
      'x',
      '\r',
      'Bcc: c@example.net\r\n',
      'y'.repeat(90),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 60 }),
        fc.array(fc.nat(400), { maxLength: 10 }),
        async (lines, cuts) => {
          const content = lines.join('');
          const pieces: string[] = [];
          let at = 0;
          for (const cut of cuts) {
            pieces.push(content.slice(at, at + cut));
            at += cut;
          }
          pieces.push(content.slice(at));
          const sink = memorySink();
          const result = await run(pieces, { settings: settings({ header: 1e6 }), sink });
          assert.ok(result.kind === 'taken');
          const { content: taken, size, messageId } = result;
          const whole = Buffer.concat(taken.kind === 'inline' ? [taken.bytes] : sink.pieces).toString('latin1');
          assert.equal(whole.length, size);
          assert.equal(taken.kind, whole.length > 1000 ? 'stored' : 'inline');
          assert.equal(messageId, undefined);
          const headless = !/^[!-9;-~]+:|^\r\n|^$/.test(content);
          assert.equal(whole, TRACE + (headless ? '\r\n' : '') + content);
        },
      ),
    );
  });

  it('separates content that begins with no field from the trace header', async () => {
    assert.equal(
      inline(await run(['hello there\r\nSubject: no header\r\n'])),
      `${TRACE}\r\nhello there\r\nSubject: no header\r\n`,
    );
    assert.equal(inline(await run(['hello', ' there\r\n'])), `${TRACE}\r\nhello there\r\n`);
    assert.equal(inline(await run(['hello'])), `${TRACE}\r\nhello`);
  });

  it('takes content that begins with the empty line, and none at all', async () => {
    assert.equal(inline(await run(['\r', '\nbody\r\n'])), `${TRACE}\r\nbody\r\n`);
    assert.equal(inline(await run([])), TRACE);
  });

  it('does not count body text without a header against the header limit', async () => {
    const text = 'words\r\n'.repeat(100);
    assert.equal(inline(await run([text], { settings: settings({ header: 100 }) })), `${TRACE}\r\n${text}`);
  });

  it('notes the Message-ID, folded or not', async () => {
    const of = async (header: string): Promise<string | undefined> =>
      ((await run([`${header}\r\nMessage-ID: <in@body>\r\n`])) as TakenMessage).messageId;
    assert.equal(await of('Message-ID: <a@b>\r\n'), '<a@b>');
    assert.equal(await of('X: y\r\nmessage-id :\r\n\t<a@b>\r\nMessage-Id: <second@b>\r\n'), '<a@b>');
    assert.equal(await of('X: y\r\n'), undefined);
  });

  it('refuses a loop by the Received: lines of the header, not of the body', async () => {
    const hop = 'Received: from x\r\n by y\r\n';
    const body = `\r\n${hop.repeat(5)}`;
    assert.equal((await run([hop.repeat(2) + body])).kind, 'taken');
    const refused = await run([hop.repeat(2), 'garbage\r\n', hop.toUpperCase(), body, 'more']);
    assert.ok(refused.kind === 'refused');
    assert.equal(refused.status.key, 'mail-loop');
    assert.deepEqual(refused.values, { count: 3 });
  });

  it('refuses a header section over the limit, however it is cut', async () => {
    const header = `X: ${'y'.repeat(95)}\r\n`; // 100 octets
    for (const pieces of [
      [header.repeat(21), '\r\n'],
      [`${header.repeat(21)}\r\n`],
      Array.from({ length: 30 }, () => header),
    ]) {
      const result = await run(pieces);
      assert.ok(result.kind === 'refused');
      assert.equal(result.status.key, 'header-too-long');
    }
    assert.equal(
      (await run([`${header.repeat(20)}\r\nbody`], { settings: settings({ inlineContent: 9000 }) })).kind,
      'taken',
    );
  });
});

describe('intake on submission', () => {
  const submission = settings({ completion: COMPLETION });
  const golden = (name: string, before: string, after: string): void => {
    it(name, async () => {
      assert.equal(inline(await run([before], { settings: submission })), TRACE + after);
      assert.equal(inline(await run(before.split(''), { settings: submission })), TRACE + after, 'byte by byte');
    });
  };
  const date = `Date: ${COMPLETION.date}\r\n`;
  const id = `Message-ID: ${COMPLETION.messageId}\r\n`;

  golden('adds Date and Message-ID', 'Subject: x\r\n\r\nbody\r\n', `Subject: x\r\n${date}${id}\r\nbody\r\n`);
  golden('adds what is missing alone', 'DATE: then\r\n\r\nbody\r\n', `DATE: then\r\n${id}\r\nbody\r\n`);
  golden(
    'adds nothing to a complete header',
    'Date: then\r\nMessage-ID: <x@y>\r\n\r\nBcc: in the body\r\n',
    'Date: then\r\nMessage-ID: <x@y>\r\n\r\nBcc: in the body\r\n',
  );
  golden(
    'removes Bcc with its continuation lines',
    'Bcc: a@example.net,\r\n b@example.net\r\nDate: then\r\nbCC : c@example.net\r\nMessage-ID: <x@y>\r\nResent-Bcc: d@example.net\r\nBcc2: kept\r\n\r\nbody\r\n',
    'Date: then\r\nMessage-ID: <x@y>\r\nBcc2: kept\r\n\r\nbody\r\n',
  );
  golden(
    'removes a last Bcc and adds',
    'Subject: x\r\nBcc: a@example.net\r\n\r\nbody\r\n',
    `Subject: x\r\n${date}${id}\r\nbody\r\n`,
  );
  golden(
    'removes Bcc behind a line that is no field',
    'Subject: x\r\ngarbage\r\nBcc: a@example.net\r\n\r\nbody\r\n',
    `Subject: x\r\n${date}${id}garbage\r\n\r\nbody\r\n`,
  );
  golden('makes a header where there is none', 'hello\r\nthere\r\n', `${date}${id}\r\nhello\r\nthere\r\n`);
  golden('makes a header before the empty line', '\r\nhello\r\n', `${date}${id}\r\nhello\r\n`);
  golden('completes a header without body', 'Subject: x\r\n', `Subject: x\r\n${date}${id}`);
  golden('completes a header without its last line end', 'Subject: x', `Subject: x\r\n${date}${id}`);
  golden('fills in for nothing at all', '', `${date}${id}`);

  it('gives the Message-ID it added', async () => {
    assert.equal(
      ((await run(['X: y\r\n\r\n'], { settings: submission })) as TakenMessage).messageId,
      COMPLETION.messageId,
    );
  });
});

describe('intake of large content', () => {
  const body = Buffer.alloc(700_000, 'large content ');
  const pieces = ['Subject: x\r\n\r\n', body.subarray(0, 300_000), body.subarray(300_000)];

  it('goes through the sink in pieces of limited size', async () => {
    const sink = memorySink();
    const result = await run(pieces, { sink });
    assert.ok(result.kind === 'taken');
    assert.deepEqual(result.content, { kind: 'stored', ref: 'ref' });
    const whole = Buffer.concat(sink.pieces);
    assert.equal(whole.length, result.size);
    assert.ok(whole.equals(Buffer.concat([Buffer.from(`${TRACE}Subject: x\r\n\r\n`), body])));
    assert.ok(Math.max(...sink.pieces.map((piece) => piece.length)) <= 300_100);
    assert.equal(sink.state, 'finished');
  });

  it('is completed on submission too', async () => {
    const sink = memorySink();
    await run(pieces, { sink, settings: settings({ completion: COMPLETION }) });
    const start = Buffer.concat(sink.pieces).toString('latin1', 0, 200);
    assert.ok(start.startsWith(`${TRACE}Subject: x\r\nDate: ${COMPLETION.date}\r\n`));
  });

  it('is stored by the last byte that makes it too large', async () => {
    const sink = memorySink();
    const fits = `X: y\r\n\r\n${'z'.repeat(1000 - TRACE.length - 8)}`;
    assert.equal(inline(await run([fits])), TRACE + fits);
    const result = await run([fits, 'z'], { sink });
    assert.ok(result.kind === 'taken' && result.content.kind === 'stored');
    assert.equal(result.size, 1001);
  });

  it('reports a sink that fails, and leaves nothing', async () => {
    for (const [failAt, key] of [
      ['write', 'storage-full'],
      ['finish', 'storage-failed'],
    ] as const) {
      const sink = memorySink(failAt);
      const result = await run(pieces, { sink });
      assert.ok(result.kind === 'refused');
      assert.equal(result.status.key, key);
      assert.ok(result.fault instanceof Fault);
      assert.equal(sink.state, 'abandoned');
    }
  });

  it('is abandoned while it is being written', async () => {
    const sink = memorySink();
    const intake = new Intake(TRACE, settings(), () => sink, 0);
    void intake.take(Buffer.from(`X: y\r\n\r\n${'z'.repeat(5000)}`));
    await intake.abandon();
    assert.equal(sink.state, 'abandoned');
  });
});
