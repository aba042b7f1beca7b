import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../base/bytes.ts';
import { formatAddress, type Address } from './address.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { formatCommand, lineText, parseCommand, plainContext, type Command } from './command.ts';
import type { Notify } from './server-event.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

const UTF8 = { ...plainContext, utf8: true };

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 30,
});
const address = fc
  .record({
    local: fc.oneof(visible, fc.constantFrom('a b', 'ü', '用户')),
    domain: fc.constantFrom('', 'example.net', '[192.0.2.1]', '例え.jp'),
  })
  .map((fields): Address => ({ ...fields }));
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const mail = fc
  .record({
    address: optional(address),
    size: optional(fc.maxSafeNat()),
    body: fc.constantFrom('7BIT' as const, '8BITMIME' as const, 'BINARYMIME' as const),
    ret: optional(fc.constantFrom('FULL' as const, 'HDRS' as const)),
    envid: optional(visible.filter((text) => encodeXtext(text).length <= 100)),
    auth: optional(fc.oneof(visible, fc.constant('<>'))),
  })
  .map(({ address: path, size, body, ret, envid, auth }): Command => ({
    verb: 'MAIL',
    address: path,
    typed: `<${path === undefined ? '' : formatAddress(path)}>`,
    parameters: { size, body, smtputf8: true, ret, envid, auth },
  }));
const notify: fc.Arbitrary<Notify> = fc.oneof(
  fc.constant('never' as const),
  fc.uniqueArray(fc.constantFrom('success' as const, 'failure' as const, 'delay' as const), { minLength: 1 }),
);
const recipient = fc
  .record({ address, notify: optional(notify), orcpt: optional(visible.map((text) => `rfc822;${encodeXtext(text)}`)) })
  .map((fields): Command => ({
    verb: 'RCPT',
    address: fields.address,
    typed: `<${formatAddress(fields.address)}>`,
    parameters: { notify: fields.notify, orcpt: fields.orcpt },
  }));
const command: fc.Arbitrary<Command> = fc.oneof(
  mail,
  recipient,
  fc.record({
    verb: fc.constantFrom('HELO' as const, 'EHLO' as const),
    client: fc.constantFrom('a', 'mx.example.net', '[192.0.2.1]', '[IPv6:::1]', 'my_pc'),
  }),
  fc.record({
    verb: fc.constant('BDAT' as const),
    size: fc.integer({ min: 0, max: 999_999_999_999_999 }),
    last: fc.boolean(),
  }),
  fc.record({
    verb: fc.constant('AUTH' as const),
    mechanism: fc.constantFrom('EXTERNAL', 'SCRAM-SHA-256'),
    initial: optional(fc.uint8Array({ maxLength: 20 })),
  }),
  fc.record({
    verb: fc.constantFrom('NOOP' as const, 'VRFY' as const, 'EXPN' as const, 'HELP' as const),
    text: fc.oneof(fc.constant(''), visible),
  }),
  fc.record({ verb: fc.constantFrom('DATA' as const, 'RSET' as const, 'QUIT' as const, 'STARTTLS' as const) }),
);

describe('commands', () => {
  test('parse(format(x)) = x', () => {
    fc.assert(
      fc.property(command, (value) => {
        const line = formatCommand(value);
        const result = parseCommand(lineText(utf8(line)), UTF8);
        assert.ok(result.kind === 'command', line);
        // fast-check makes records without a prototype, which is all that differs
        assert.deepEqual({ ...result.command }, { ...value });
      }),
      { numRuns: 1000 },
    );
  });

  test('whatever is parsed can be formatted, and is the same again', () => {
    const part = fc.constantFrom(
      'MAIL FROM:',
      'RCPT TO:',
      '<a@b>',
      '<>',
      ' ',
      ' SIZE=1',
      ' BODY=7BIT',
      ' SMTPUTF8',
      'BDAT ',
      '1',
      ' LAST',
      'AUTH X ',
      'YQ==',
      'EHLO ',
      'a',
      '=',
      '"',
      ' NOTIFY=DELAY',
      ' ENVID=+2B',
      'ü',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const result = parseCommand(parts.join(''), UTF8);
        if (result.kind === 'refused') return;
        const again = parseCommand(formatCommand(result.command), UTF8);
        assert.ok(again.kind === 'command');
        const canonical = (value: Command): object => ({ ...value, typed: '' });
        assert.deepEqual(canonical(again.command), canonical(result.command));
      }),
      { numRuns: 2000 },
    );
  });

  test('a verb is written in any case, and has its parameters behind a blank', () => {
    assert.deepEqual(parseCommand('nOoP', plainContext), { kind: 'command', command: { verb: 'NOOP', text: '' } });
    assert.deepEqual(parseCommand('NOOP\tx', plainContext), {
      kind: 'refused',
      verb: undefined,
      status: 'unknown-command',
      values: { command: '?' },
    });
    assert.deepEqual(parseCommand('constructor', plainContext), {
      kind: 'refused',
      verb: undefined,
      status: 'unknown-command',
      values: { command: 'constructor' },
    });
  });

  test('a line that is not UTF-8 has no address in it', () => {
    const text = lineText(Uint8Array.of(0x3c, 0xc3, 0x28, 0x40, 0x62, 0x3e));
    assert.equal(text, '<\u0000(@b>');
    const result = parseCommand(`MAIL FROM:${text} SMTPUTF8`, UTF8);
    assert.ok(result.kind === 'refused' && result.status === 'bad-sender-address');
  });
});

describe('xtext', () => {
  test('decode(encode(x)) = x', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '+', '=', ' ', 'é', '用', '~') }), (text) =>
        assert.equal(decodeXtext(encodeXtext(text)), text),
      ),
    );
  });
  for (const bad of ['=', ' ', 'a+', '+4', '+4g', '+2b', 'é', '+00', '+0A', '+7F', '+C2+85', '+FF'])
    test(`refuses ${JSON.stringify(bad)}`, () => assert.equal(decodeXtext(bad), undefined));
});

describe('base64', () => {
  test('decode(encode(x)) = x', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes)));
  });
  for (const bad of [
    '=',
    'Y',
    'YQ',
    'YQ=',
    'YR==',
    'YQ==YQ==',
    'Y===',
    '====',
    'YQ= =',
    'YQ==\n',
    ' YQ=',
    'Y-_=',
    'YWJ=',
  ])
    test(`refuses ${JSON.stringify(bad)}`, () => assert.equal(decodeBase64(bad), undefined));
});
