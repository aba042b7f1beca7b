import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { administration, type Administration } from '../../test/fakes/administration.ts';
import { remind, tellAuditHead, type Notices } from '../admin/reminders.ts';
import { renewCertificate } from '../admin/renewal.ts';
import { keepServerCertificate } from '../admin/server-certificate.ts';
import { idMinter } from '../base/id.ts';
import { issue } from '../ca/issuance.ts';
import { makeKey } from '../ca/keys.ts';
import type { LedgerRecord, ProfileName } from '../ca/ledger.ts';
import type { NoticeBook } from '../ca/notice-book.ts';
import { revokeCertificates } from '../admin/certificates.ts';
import { decodeText } from '../protocol/mime/encoded-word.ts';
import { laneOf } from '../relay/schedule/lane.ts';
import type { EntrySummary, SpoolStore } from '../relay/spool/spool.ts';
import { memoryNoticeBook } from '../storage/memory/notice-book.ts';
import { relayNotices } from './notices.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const OPERATOR = 'notices:\n  operator: [postmaster@example.net]\n';

interface Mail {
  readonly to: string;
  readonly header: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly entry: EntrySummary;
}

interface Rig extends Administration {
  readonly book: NoticeBook;
  /** As the program that starts again has them. */
  notices(spool?: SpoolStore): Notices;
  /** All mail in the spool, taken apart, and out of it again. */
  mail(): Promise<Mail[]>;
}

async function rig(config = OPERATOR): Promise<Rig> {
  const made = await administration(config);
  const { context, clock } = made;
  const book = memoryNoticeBook();
  const mint = idMinter(clock, 30);
  return {
    ...made,
    book,
    notices(spool = context.spool) {
      return relayNotices({
        spool,
        book,
        mint,
        clock,
        events: context.events,
        utcOffset: () => 540,
        hostname: () => context.config.hostname,
        routes: () => [
          {
            domains: ['*'],
            to: 'smarthost.example:587',
            tls: 'none',
            implicit: false,
            identity: undefined,
            authorities: undefined,
          },
        ],
      });
    },
    async mail() {
      const entries = await context.spool.list({}, 1_000);
      const contents = await context.spool.contents(entries.map(({ id }) => id));
      await context.spool.remove({}, clock.now());
      return entries.map((entry, index) => {
        const content = Buffer.from(contents[index] ?? new Uint8Array(0)).toString('latin1');
        const split = content.indexOf('\r\n\r\n');
        const header = content.slice(0, split).replaceAll('\r\n ', ' ').split('\r\n');
        const body = content.slice(split + 4);
        assert.match(content, /^[\x20-\x7e\r\n]*$/, '7BIT');
        assert.ok(content.split('\r\n').every((line) => line.length <= 78));
        assert.ok(!content.replaceAll('\r\n', '').includes('\n'));
        return {
          to: entry.deliveries[0]?.recipient ?? '',
          header,
          subject: decodeText(header.find((line) => line.startsWith('Subject: '))?.slice(9) ?? ''),
          text: Buffer.from(body, 'base64').toString('utf8'),
          entry,
        };
      });
    },
  };
}

async function given(
  { context }: Rig,
  holder: string,
  life: number,
  profile: ProfileName = 'person',
): Promise<LedgerRecord> {
  const { publicKey } = makeKey();
  const wish = { profile, holder, csr: undefined, publicKey, dnsNames: [], uris: [], subject: undefined, life };
  return (await issue(context, wish, 'cli:root', 'test')).record;
}

describe('reminders', () => {
  test('a holder is told in English and Japanese, from the null reverse-path, as an automatic message', async () => {
    const made = await rig();
    const record = await given(made, 'alice@example.org', 100 * DAY);
    await made.clock.advance(71 * DAY);
    await remind(made.context, made.notices());
    const mails = await made.mail();
    const mail = mails.find(({ to }) => to === 'alice@example.org');
    assert.ok(mail !== undefined);
    assert.deepEqual(mail.header.slice(0, 2), [
      'From: "Sealpost mail.example.net" <postmaster@mail.example.net>',
      'To: <alice@example.org>',
    ]);
    for (const line of [
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      'Date: Wed, 3 Feb 2027 11:21:48 +0900',
      `Message-ID: ${mail.entry.messageId}`,
    ])
      assert.ok(mail.header.includes(line), `${line}\n${mail.header.join('\n')}`);
    assert.equal(mail.subject, 'Your mail certificate ends on 2027-03-04 メール用証明書の有効期限は2027-03-04です');
    assert.match(mail.text, /through mail\.example\.net ends on 2027-03-04 02:16 UTC, in 28 days\./);
    assert.match(mail.text, /有効期限は 2027-03-04 02:16 UTC です\(残り 28 日\)/);
    assert.ok(mail.text.includes(`sealpost renew ${record.serial}\r\n`));
    assert.doesNotMatch(mail.text, /PRIVATE|BEGIN/);
    assert.equal(mail.entry.reversePath, '');
    const [delivery] = mail.entry.deliveries;
    assert.equal(delivery?.dest, 'smarthost.example:587');
    assert.deepEqual(mail.entry.origin, { holder: undefined, serial: undefined });
    assert.deepEqual(
      made.events
        .filter(({ kind }) => kind === 'announced')
        .map((event) => (event.kind === 'announced' ? event.to : '')),
      ['alice@example.org', 'postmaster@example.net'],
    );
  });

  test('each stage once, however often it is asked and started; none for what was renewed, withdrawn, or lives short', async () => {
    const made = await rig('notices:\n  operator: []\n');
    const { context, clock } = made;
    await given(made, 'alice@example.org', 100 * DAY);
    const renewed = await given(made, 'bob@example.org', 100 * DAY);
    const gone = await given(made, 'carol@example.org', 100 * DAY);
    await given(made, 'week@example.org', 7 * DAY);
    await given(made, 'printer-2', 100 * DAY, 'device');
    await revokeCertificates(context, { serial: gone.serial });
    await renewCertificate(context, { name: renewed.serial, publicKey: makeKey().publicKey, days: 300 });
    const told: string[] = [];
    for (let hour = 0; hour < 101 * 24; hour++) {
      // Each hour the program starts again.
      await remind(context, made.notices());
      for (const { to } of await made.mail()) told.push(`${Math.floor(hour / 24)} ${to}`);
      await clock.advance(HOUR);
    }
    assert.deepEqual(told, [
      '6 week@example.org', // a day before its end; a week is too short for the rest
      '70 alice@example.org',
      '93 alice@example.org',
      '99 alice@example.org',
    ]);
  });

  test('the operator has one summary a day, when there is something new in it, of all kinds of certificates', async () => {
    const made = await rig();
    const { context, clock, files } = made;
    const alice = await given(made, 'alice@example.org', 100 * DAY);
    const printer = await given(made, 'printer-2', 100 * DAY, 'device');
    const late = await given(made, 'late@example.org', 103 * DAY);
    const days: number[] = [];
    let last: Mail | undefined;
    for (let hour = 0; hour < 76 * 24; hour++) {
      await remind(context, made.notices());
      const [mail, ...more] = (await made.mail()).filter(({ to }) => to === 'postmaster@example.net');
      assert.deepEqual(more, []);
      if (mail !== undefined) {
        days.push(Math.floor(hour / 24));
        last = mail;
      }
      await clock.advance(HOUR);
    }
    assert.deepEqual(days, [70, 73]);
    assert.match(
      last?.subject ?? '',
      /^mail\.example\.net: 3 certificates will end soon 証明書 3 件の有効期限が近づいています$/,
    );
    for (const { serial } of [alice, printer, late]) assert.equal(last?.text.split(serial).length, 3);
    assert.match(last?.text ?? '', /sealpost list --expiring 30d/);

    // The server certificate of our own CA renews by itself; one from outside is spoken of.
    const other = await administration();
    files.set('tls/server.crt', other.files.get('tls/server.crt') ?? new Uint8Array(0));
    await clock.advance(300 * DAY);
    assert.equal(await keepServerCertificate(context), undefined);
    await remind(context, made.notices());
    const [mail] = (await made.mail()).filter(({ to }) => to === 'postmaster@example.net');
    assert.match(
      mail?.text ?? '',
      /mail\.example\.net {2}[0-9a-f]{32} {2}\*\r\n[^]*came from outside[^]*外部で発行された/,
    );
  });

  test('the head of the log goes out once a day, over restarts', async () => {
    const made = await rig();
    const { context, clock } = made;
    const marks: string[] = [];
    for (let hour = 0; hour < 72; hour++) {
      if (hour === 30) await given(made, 'alice@example.org', 100 * DAY);
      await tellAuditHead(context, made.notices());
      for (const { text, subject } of await made.mail()) {
        assert.match(subject, /^mail\.example\.net: issuance log at entry \d+ 発行ログの記録番号 \d+$/);
        assert.match(text, /1 active|2 active/);
        marks.push(/--head (\d+:[0-9a-f]{64})/.exec(text)?.[1] ?? '');
      }
      await clock.advance(HOUR);
    }
    const head = context.ledger.auditHead();
    assert.equal(marks.length, 4, 'the hours are of four days, UTC');
    assert.equal(marks[3], `${head?.number}:${head?.hash}`);
    assert.notEqual(marks[0], marks[3]);
  });
});

describe('notices and a program that dies', () => {
  test('between writing down and storing: sent by the next life; after storing: not again', async () => {
    for (const dies of ['before', 'after', 'unsettled'] as const) {
      const made = await rig('notices:\n  operator: []\n');
      const { context, clock } = made;
      await given(made, 'alice@example.org', 100 * DAY);
      await clock.advance(71 * DAY);
      const inner = context.spool;
      const dying: SpoolStore = Object.assign(Object.create(inner) as SpoolStore, {
        list: inner.list.bind(inner),
        history: inner.history.bind(inner),
        async accept(batch: Parameters<SpoolStore['accept']>[0]) {
          if (dies !== 'before') await inner.accept(batch);
          throw new Error('killed');
        },
      });
      await assert.rejects(remind(context, made.notices(dying)), /killed/);
      assert.equal(made.book.open().length, 1);
      if (dies === 'after') {
        // It was delivered before the next life looks: the history knows.
        const [lane] = await inner.claimLanes(1, 256, clock.now(), DAY);
        assert.ok(lane !== undefined);
        const dest = laneOf('smarthost.example:587');
        const [row] = await inner.due([{ lane: dest, after: [0, 0] }], clock.now(), 10, []);
        assert.ok(row !== undefined);
        const { id, entry } = row;
        await inner.settle(
          [{ id, entry, lane: dest, epoch: lane.epoch, result: { kind: 'delivered' }, detail: 'ok' }],
          [],
        );
      }
      await remind(context, made.notices());
      await remind(context, made.notices());
      assert.equal((await made.mail()).length, dies === 'after' ? 0 : 1, dies);
      assert.deepEqual(made.book.open(), []);
    }
  });

  test('a holder whose name only looks like an address is told to the log, and keeps nobody else from a mail', async () => {
    const made = await rig('notices:\n  operator: [postmaster@example.net]\n');
    const notices = made.notices();
    const text = { subject: { english: 'x', japanese: '件' }, text: 'x\n' };
    await notices.send([
      { names: ['one'], to: 'a b@example.net', ...text },
      { names: ['two'], to: 'bob@bücher.example', ...text },
      { names: ['three'], to: '佐藤@例え.jp', ...text },
    ]);
    const mails = await made.context.spool.list({}, 10);
    assert.deepEqual(mails.flatMap(({ deliveries }) => deliveries.map(({ recipient }) => recipient)).toSorted(), [
      'bob@xn--bcher-kva.example',
      '佐藤@例え.jp',
    ]);
    assert.match(JSON.stringify(made.events.filter(({ kind }) => kind === 'trouble')), /a b@example\.net.*no address/);
  });
});
