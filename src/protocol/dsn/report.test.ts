import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { concat, utf8 } from '../../base/bytes.ts';
import { parseDate } from '../mime/date.ts';
import { findHeaderEnd, fieldText, splitHeader } from '../mime/header.ts';
import { writeReport, type ReportInput, type ReportRecipient } from './report.ts';

const at = 1_795_486_908_000;

const original =
  'From: Alice <alice@example.net>\r\nTo: bob@example.org\r\nSubject: lunch\r\nMessage-ID: <lunch@example.net>\r\n';

const refused: ReportRecipient = {
  address: 'bob@example.org',
  orcpt: 'rfc822;Bob+2Blists@example.org',
  action: 'failed',
  status: '5.1.1',
  remoteMta: 'mx.example.org',
  diagnostic: '550 5.1.1 No such user here; see https://example.org/why for the reasons that we may have had',
  lastAttempt: at,
  willRetryUntil: undefined,
  conclusion: 'The remote server refused it',
};

const failure: ReportInput = {
  hostname: 'relay.example.net',
  to: 'alice@example.net',
  messageId: '<0ABC@relay.example.net>',
  date: at,
  offsetMinutes: 540,
  boundary: 'dsn-0123',
  envid: 'QQ314159',
  arrival: at - 5_000,
  about: '<lunch@example.net>',
  smtputf8: false,
  recipients: [
    refused,
    {
      ...refused,
      address: 'carol@example.com',
      orcpt: undefined,
      status: '5.4.7',
      remoteMta: undefined,
      diagnostic: undefined,
      conclusion: 'Delivery time expired; at last: No answer from the remote server',
    },
  ],
  original: { kind: 'full', pieces: [utf8(original), utf8('\r\nAt noon?\r\n')], eightBit: false },
};

const cases: Readonly<Record<string, ReportInput>> = {
  failure,
  delay: {
    ...failure,
    envid: undefined,
    recipients: [
      {
        ...refused,
        action: 'delayed',
        status: '4.4.1',
        remoteMta: undefined,
        diagnostic: undefined,
        willRetryUntil: at + 432_000_000,
        conclusion: 'No answer from the remote server',
      },
    ],
    original: { kind: 'header', pieces: [utf8(original)], eightBit: false },
  },
  relayed: {
    ...failure,
    recipients: [
      { ...refused, action: 'relayed', status: '2.1.5', diagnostic: '250 2.1.5 queued', conclusion: 'Delivered' },
    ],
    original: { kind: 'header', pieces: [utf8(original)], eightBit: false },
  },
  international: {
    ...failure,
    to: 'アリス@例え.example',
    smtputf8: true,
    recipients: [
      {
        ...refused,
        address: 'ボブ@例え.example',
        orcpt: 'utf-8;\\x{30DC}\\x{30D6}@example.org',
        diagnostic: '550 5.1.1 ありません',
      },
    ],
    original: { kind: 'header', pieces: [utf8('Subject: 昼食\r\n')], eightBit: true },
  },
};

function written(input: ReportInput): string {
  return Buffer.from(concat(writeReport(input).pieces)).toString('utf8');
}

interface Parsed {
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

function parse(text: string): Parsed {
  const bytes = utf8(text);
  const end = findHeaderEnd(bytes);
  assert.ok(end !== undefined, text);
  const fields = new Map<string, string>();
  for (const field of splitHeader(bytes, end.end)) {
    assert.notEqual(field.name, '', text);
    assert.ok(!fields.has(field.name), `${field.name} stands twice`);
    fields.set(field.name, fieldText(bytes, field));
  }
  return { fields, body: Buffer.from(bytes.subarray(end.body)).toString('utf8') };
}

/** The message and its three parts. */
function taken(
  text: string,
  boundary: string,
): {
  readonly message: Parsed;
  readonly parts: readonly Parsed[];
  readonly groups: readonly ReadonlyMap<string, string>[];
} {
  const message = parse(text);
  const pieces = `\r\n${message.body}`.split(`\r\n--${boundary}`);
  assert.equal(pieces.at(-1), '--\r\n');
  const parts = pieces.slice(1, -1).map((piece) => parse(piece.slice(2)));
  const groups = (parts[1] as Parsed).body.split('\r\n\r\n').map((group) => parse(`${group}\r\n\r\n`).fields);
  return { message, parts, groups };
}

describe('delivery status notifications', () => {
  for (const [name, input] of Object.entries(cases)) {
    test(`golden: ${name}`, () => {
      const golden = readFileSync(new URL(`./golden/${name}.eml`, import.meta.url), 'utf8').replaceAll('\n', '\r\n');
      assert.equal(written(input), golden);
    });
  }

  test('a failure, field by field', () => {
    const { message, parts, groups } = taken(written(failure), 'dsn-0123');
    assert.deepEqual(Object.fromEntries(message.fields), {
      date: 'Tue, 24 Nov 2026 11:21:48 +0900',
      from: 'Mail Delivery System <MAILER-DAEMON@relay.example.net>',
      to: '<alice@example.net>',
      'message-id': '<0ABC@relay.example.net>',
      subject: 'Delivery Status Notification (Failure)',
      'in-reply-to': '<lunch@example.net>',
      references: '<lunch@example.net>',
      'auto-submitted': 'auto-replied',
      'mime-version': '1.0',
      'content-type': 'multipart/report; report-type=delivery-status; boundary="dsn-0123"',
    });
    assert.deepEqual(
      parts.map(({ fields }) => fields.get('content-type')),
      ['text/plain; charset=us-ascii', 'message/delivery-status', 'message/rfc822'],
    );
    assert.equal(parts[2]?.body, `${original}\r\nAt noon?\r\n`);
    assert.deepEqual(
      groups.map((group) => Object.fromEntries(group)),
      [
        {
          'original-envelope-id': 'QQ314159',
          'reporting-mta': 'dns; relay.example.net',
          'arrival-date': 'Tue, 24 Nov 2026 11:21:43 +0900',
        },
        {
          'original-recipient': 'rfc822; Bob+lists@example.org',
          'final-recipient': 'rfc822; bob@example.org',
          action: 'failed',
          status: '5.1.1',
          'remote-mta': 'dns; mx.example.org',
          'diagnostic-code':
            'smtp; 550 5.1.1 No such user here; see https://example.org/why for the reasons that we may have had',
          'last-attempt-date': 'Tue, 24 Nov 2026 11:21:48 +0900',
        },
        {
          'final-recipient': 'rfc822; carol@example.com',
          action: 'failed',
          status: '5.4.7',
          'last-attempt-date': 'Tue, 24 Nov 2026 11:21:48 +0900',
        },
      ],
    );
  });

  test('a delay tells until when, and returns the header alone', () => {
    const { message, parts, groups } = taken(written(cases['delay'] as ReportInput), 'dsn-0123');
    assert.equal(message.fields.get('subject'), 'Delivery Status Notification (Delay)');
    assert.equal(groups[1]?.get('action'), 'delayed');
    assert.equal(parseDate(groups[1]?.get('will-retry-until') ?? '')?.at, at + 432_000_000);
    assert.equal(parts[2]?.fields.get('content-type'), 'text/rfc822-headers');
    assert.equal(parts[2]?.body, original);
  });

  test('addresses that are not ASCII make it a report of RFC 6533', () => {
    const input = cases['international'] as ReportInput;
    const { message, parts, groups } = taken(written(input), 'dsn-0123');
    const report = writeReport(input);
    assert.equal(report.smtputf8, true);
    assert.equal(report.body, '8BITMIME');
    assert.equal(message.fields.get('to'), '<アリス@例え.example>');
    assert.deepEqual(
      parts.map(({ fields }) => [fields.get('content-type'), fields.get('content-transfer-encoding')]),
      [
        ['text/plain; charset=utf-8', 'base64'],
        ['message/global-delivery-status', '8bit'],
        ['message/global-headers', '8bit'],
      ],
    );
    assert.equal(groups[1]?.get('final-recipient'), 'utf-8; ボブ@例え.example');
    assert.equal(groups[1]?.get('original-recipient'), 'utf-8; ボブ@example.org');
    assert.match(Buffer.from(parts[0]?.body ?? '', 'base64').toString('utf8'), /<ボブ@例え\.example>/);
  });

  test('size, body type and pieces are told as they are, and large originals are not copied', () => {
    const large = new Uint8Array(50_000).fill(0x61);
    const report = writeReport({ ...failure, original: { kind: 'full', pieces: [large], eightBit: true } });
    assert.ok(report.pieces.includes(large));
    assert.equal(report.size, concat(report.pieces).length);
    assert.equal(report.body, '8BITMIME');
    assert.equal(report.smtputf8, false);
    assert.equal(writeReport(failure).body, '7BIT');
  });

  test('property: whatever peers said, no field or part is forged and no line is too long', () => {
    const evil = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        'a\r\nBcc: x@example.org',
        '\r\n\r\n--dsn-0123--',
        'x'.repeat(3_000),
        ' \t ',
        '+0D+0AX-Evil:+20y',
      ),
      fc.string({ unit: 'binary', maxLength: 300 }),
    );
    fc.assert(
      fc.property(
        evil,
        evil,
        evil,
        evil,
        evil,
        fc.boolean(),
        (diagnostic, remoteMta, envid, orcpt, conclusion, smtputf8) => {
          const input: ReportInput = {
            ...failure,
            envid,
            smtputf8,
            recipients: [{ ...refused, diagnostic, remoteMta, orcpt: `rfc822;${orcpt}`, conclusion }],
          };
          const { message, parts, groups } = taken(written(input), 'dsn-0123');
          assert.equal(
            message.fields.size,
            parse(written(failure)).fields.size + (message.fields.has('content-transfer-encoding') ? 1 : 0),
          );
          assert.equal(parts.length, 3);
          assert.equal(groups.length, 2);
          const known = [
            'original-recipient',
            'final-recipient',
            'action',
            'status',
            'remote-mta',
            'diagnostic-code',
            'last-attempt-date',
          ];
          for (const name of (groups[1] as ReadonlyMap<string, string>).keys()) assert.ok(known.includes(name), name);
          for (const line of written(input).split('\r\n')) {
            assert.ok(Buffer.byteLength(line) <= 998, `${line.length} characters`);
            assert.ok(!line.includes('\r') && !line.includes('\n'));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
