import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Address } from '../../protocol/smtp/address.ts';
import { Intake, type IntakeSettings } from './intake.ts';

const TRACE = 'Received: from a (b)\r\n\tby c; d\r\n';
const rewriter: NonNullable<IntakeSettings['rewriter']> = {
  sender: (address): Address => (address.domain === 'in.test' ? { ...address, domain: 'world.test' } : address),
  recipient: (address): Address => (address.domain === '' ? { ...address, domain: 'relay.test' } : address),
};

function rewrite(content: string, changes: Partial<IntakeSettings> = {}): string {
  const settings = { inlineContent: 100_000, header: 50_000, hops: 10, completion: undefined, rewriter, ...changes };
  const intake = new Intake(TRACE, settings, () => assert.fail('no sink'), 0);
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += 7) void intake.take(bytes.subarray(at, at + 7));
  const result = intake.finish();
  assert.ok('kind' in result && result.kind === 'taken' && result.content.kind === 'inline');
  const text = Buffer.from(result.content.bytes).toString();
  assert.ok(text.startsWith(TRACE));
  return text.slice(TRACE.length);
}

describe('addresses in header fields', () => {
  it('are written by the rules of their kind, and all around them stays', () => {
    const content = (domain: string, ann: string): string =>
      `FROM : "Joe, U" <joe@${domain}> (joe@in.test)\r\nSubject: joe@in.test\r\nTo: ann${ann},\r\n\t joe@in.test\r\n` +
      `Reply-To: a@${domain},\r\n b@${domain}\r\nX-From: joe@in.test\r\nResent-Sender: Gruppe: x@${domain};\r\n` +
      `Disposition-Notification-To: <@r.test:j@in.test>\r\n\r\nFrom: joe@in.test\r\n`;
    const written = content('world.test', '@relay.test').replace('<@r.test:j@in.test>', '<j@world.test>');
    assert.equal(rewrite(content('in.test', '')), written);
  });

  it('are found in names of any script, and in domains of any length', () => {
    const long = 'm'.repeat(60);
    assert.equal(rewrite(`From: Jürgen <jürgen@in.test>\r\n\r\n`), `From: Jürgen <jürgen@world.test>\r\n\r\n`);
    assert.equal(rewrite(`From: ${long}@in.test\r\n\r\n`), `From: ${long}@world.test\r\n\r\n`);
  });

  it('go together with what submission removes and adds', () => {
    const completion = { date: 'D', messageId: '<m@x>' };
    const content = 'Bcc: ann, joe@in.test\r\nFrom: joe@in.test\r\nBcc: z\r\n\r\nbody';
    assert.equal(rewrite(content, { completion }), 'From: joe@world.test\r\nDate: D\r\nMessage-ID: <m@x>\r\n\r\nbody');
  });

  it('a body without a header, or a malformed field, is left alone', () => {
    for (const content of ['no field: joe@in.test\r\nFrom: x@in.test\r\n', 'From: "open <joe@in.test>\r\n\r\n'])
      assert.equal(rewrite(content).trimStart(), content);
  });

  it('rules that change nothing leave every octet', () => {
    const same = { sender: (address: Address) => address, recipient: (address: Address) => address };
    const value = fc.string({
      unit: fc.constantFrom('a', '@', '<', '>', '"', '(', ')', ',', ':', ';', ' ', '[', '\\'),
    });
    fc.assert(
      fc.property(value, (text) => {
        const content = `From: ${text}\r\nTo: ${text}\r\n\r\nbody`;
        assert.equal(rewrite(content, { rewriter: same }), content);
      }),
    );
  });
});
