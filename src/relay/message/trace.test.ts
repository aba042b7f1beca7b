import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { queueId } from '../../base/id.ts';
import { clientText, protocolWord, traceDate, traceHeader, type TraceFacts } from './trace.ts';

const facts: TraceFacts = {
  hostname: 'relay.example.net',
  version: '0.1.0',
  id: queueId(123_456_789_012_345),
  date: traceDate(1_795_486_908_000, 0, 'sealpost'),
  helo: 'laptop.example.org',
  extended: true,
  greetedInTls: true,
  address: '192.0.2.7',
  name: 'client.example.org',
  forged: false,
  authenticated: false,
  smtputf8: false,
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256, verify: 'OK' },
  recipients: [{ address: 'bob@example.com' }],
};
const ID = facts.id;

describe('trace header', () => {
  it('has the form of Sendmail', () => {
    assert.equal(
      traceHeader(facts),
      'Received: from laptop.example.org (client.example.org [192.0.2.7])\r\n' +
        `\tby relay.example.net (Sealpost/0.1.0) with ESMTPS id ${ID}\r\n` +
        '\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK)\r\n' +
        '\tfor <bob@example.com>; Tue, 24 Nov 2026 02:21:48 +0000\r\n',
    );
  });

  it('names no recipient among several, and puts the date on its own line', () => {
    const recipients = [{ address: 'bob@example.com' }, { address: 'carol@example.com' }];
    assert.equal(
      traceHeader({ ...facts, recipients, authenticated: true, date: traceDate(1_795_486_908_000, 540, 'sendmail') }),
      'Received: from laptop.example.org (client.example.org [192.0.2.7])\r\n' +
        '\t(authenticated bits=0)\r\n' +
        `\tby relay.example.net (Sealpost/0.1.0) with ESMTPSA id ${ID}\r\n` +
        '\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK);\r\n' +
        '\tTue, 24 Nov 2026 11:21:48 +0900\r\n',
    );
  });

  it('works without TLS, name and HELO', () => {
    assert.equal(
      traceHeader({ ...facts, helo: undefined, name: undefined, tls: undefined, extended: false, recipients: [] }),
      `Received: from [192.0.2.7] ([192.0.2.7])\r\n\tby relay.example.net (Sealpost/0.1.0) with SMTP id ${ID};\r\n\tTue, 24 Nov 2026 02:21:48 +0000\r\n`,
    );
  });

  it("has the date of a machine in UTC in Sendmail's dialect as Sendmail has it", () => {
    assert.equal(traceDate(1_795_486_908_000, 0, 'sendmail'), 'Tue, 24 Nov 2026 02:21:48 GMT');
    assert.equal(traceDate(1_795_486_908_000, 540, 'sendmail'), 'Tue, 24 Nov 2026 11:21:48 +0900');
  });

  it('says who the client is', () => {
    assert.equal(clientText('192.0.2.7', undefined, false), '[192.0.2.7]');
    assert.equal(clientText('2001:db8::7', 'x.example', true), 'x.example [IPv6:2001:db8::7] (may be forged)');
  });

  it('takes the protocol words of RFC 3848 and RFC 6531', () => {
    const word = (extended: boolean, secured: boolean, authenticated: boolean, smtputf8: boolean): string =>
      protocolWord({ extended, greetedInTls: secured, authenticated, smtputf8 });
    assert.equal(word(false, true, false, false), 'SMTP');
    assert.equal(word(true, false, false, false), 'ESMTP');
    assert.equal(word(true, false, true, false), 'ESMTPA');
    assert.equal(word(true, true, false, false), 'ESMTPS');
    assert.equal(word(true, true, true, false), 'ESMTPSA');
    assert.equal(word(true, false, false, true), 'UTF8SMTP');
    assert.equal(word(true, true, true, true), 'UTF8SMTPSA');
  });

  it('gives a peer no way to write a line, a comment or a clause of its own', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({
        maxLength: 20,
        unit: fc.constantFrom('\r', '\n', '(', ')', ';', ' ', '\t', '\\', '"', '<', 'a', 'é', '\u2028'),
      }),
    );
    fc.assert(
      fc.property(text, text, text, (helo, name, address) => {
        const header = traceHeader({ ...facts, helo, name, recipients: [{ address }] });
        const lines = header.split('\r\n');
        assert.equal(lines.length, 5);
        assert.match(lines[0] as string, /^Received: from [!-~]+ \([!-~]+ \[192\.0\.2\.7\]\)$/);
        assert.equal((lines[0] as string).split(/[()]/).length, 3);
        assert.match(lines[1] as string, /^\tby relay/);
        // oxlint-disable-next-line no-control-regex
        assert.doesNotMatch(header.replaceAll('\r\n', '').replaceAll('\t', ''), /[\u0000-\u001f]/);
      }),
    );
  });
});
