import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { FAKE_START } from '../../test/fakes/clock.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { hex } from '../base/bytes.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { DerReader, contextTag, tags } from '../protocol/pki/der.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import type { CrlRequest } from './authority.ts';
import { RequestRefused } from './refusal.ts';

const DAY = 86_400_000;
const empty: CrlRequest = { number: 1, thisUpdate: FAKE_START, nextUpdate: FAKE_START + 30 * DAY, revoked: [] };

/** Serial numbers of the entries and whether there is a list. */
function entriesOf(crl: Uint8Array): string[] | undefined {
  const list = new DerReader(crl).read(tags.sequence).read(tags.sequence);
  assert.equal(list.readSmallInteger(), 1); // version 2
  for (let i = 0; i < 2; i++) list.read(tags.sequence); // algorithm, issuer
  for (let i = 0; i < 2; i++) list.read(tags.utcTime);
  const entries = list.optional(tags.sequence);
  list.read(contextTag(0));
  list.end();
  if (entries === undefined) return undefined;
  const serials: string[] = [];
  while (!entries.done) serials.push(hex(entries.read(tags.sequence).readInteger()));
  return serials;
}

describe('revocation lists', () => {
  test(
    'OpenSSL reads number, times, reasons, and refuses the revoked certificate alone',
    { skip: missing('openssl') },
    async () => {
      const authority = testAuthority();
      const [alice, bob] = [await authority.issue(), await authority.issue({ holder: 'bob@example.net' })];
      const serial = parseCertificate(alice.certificate)?.serial ?? '';
      const { crl, plain } = await authority.door.signCrl({
        ...empty,
        number: 4711,
        revoked: [
          { serial, at: FAKE_START - 1000, reason: 'keyCompromise' },
          { serial: '0badcafe', at: FAKE_START - DAY, reason: 'unspecified' },
        ],
      });
      await inFolder((folder) => {
        const put = (name: string, label: string, der: Uint8Array): string => folder.put(name, encodePem(label, der));
        const file = put('crl', 'X509 CRL', crl);
        const issuing = put('issuing', 'CERTIFICATE', authority.made.issuing);
        const { text } = run('openssl', ['crl', '-in', file, '-noout', '-text', '-CAfile', issuing]);
        assert.match(text, /verify OK/);
        assert.match(text, /Version 2/);
        assert.match(text, /X509v3 CRL Number: \n\s+4711/);
        assert.match(text, /X509v3 Authority Key Identifier/);
        assert.match(text, /X509v3 Issuing Distribution Point: critical\n\s+Only User Certificates/);
        const twin = run('openssl', [
          'crl',
          '-in',
          put('plain', 'X509 CRL', plain),
          '-noout',
          '-text',
          '-CAfile',
          issuing,
        ]);
        assert.match(twin.text, /verify OK/);
        assert.doesNotMatch(twin.text, /Issuing Distribution Point/);
        const entries = (one: string): string | undefined =>
          /Revoked Certificates:[^]*?Signature Algorithm/.exec(one)?.[0];
        assert.equal(entries(twin.text), entries(text));
        assert.match(text, /Last Update: Nov 24 02:21:48 2026 GMT\n\s+Next Update: Dec 24 02:21:48 2026 GMT/);
        assert.match(
          text,
          new RegExp(
            `Serial Number: ${serial.toUpperCase()}\\n.*\\n\\s+CRL entry extensions:\\n\\s+X509v3 CRL Reason Code: \\n\\s+Key Compromise`,
          ),
        );
        // RFC 5280 §5.3.1: "unspecified" is said by saying nothing.
        assert.doesNotMatch(text, /Unspecified/);
        assert.equal(text.match(/CRL entry extensions/g)?.length, 1);
        const verify = (leaf: Uint8Array): ReturnType<typeof run> =>
          run('openssl', [
            'verify',
            '-attime',
            String(FAKE_START / 1000),
            '-CAfile',
            put('root', 'CERTIFICATE', authority.made.root),
            '-untrusted',
            issuing,
            '-CRLfile',
            file,
            '-crl_check',
            put('leaf', 'CERTIFICATE', leaf),
          ]);
        const refused = verify(alice.certificate);
        assert.notEqual(refused.code, 0);
        assert.match(refused.text, /certificate revoked/);
        const good = verify(bob.certificate);
        assert.equal(good.code, 0, good.text);
      });
    },
  );

  test('ten thousand entries, all there and in order', async () => {
    const { door, random } = testAuthority();
    const revoked = Array.from({ length: 10_000 }, (_, i) => ({
      serial: `5${hex(random.bytes(16)).slice(1)}`,
      at: FAKE_START - i * 1000,
      reason: i % 3 === 0 ? ('superseded' as const) : ('unspecified' as const),
    }));
    assert.deepEqual(
      entriesOf((await door.signCrl({ ...empty, revoked })).crl),
      revoked.map(({ serial }) => serial),
    );
  });

  test('without entries there is no list', async () => {
    assert.equal(entriesOf((await testAuthority().door.signCrl(empty)).crl), undefined);
  });

  test('what does not fit is refused', async () => {
    const { door } = testAuthority();
    const one = { serial: '01', at: FAKE_START, reason: 'superseded' } as const;
    await assert.rejects(door.signCrl({ ...empty, number: 0 }), /RFC 5280 §5\.2\.3/);
    await assert.rejects(door.signCrl({ ...empty, nextUpdate: FAKE_START }), /RFC 5280 §5\.1\.2\.5/);
    await assert.rejects(door.signCrl({ ...empty, revoked: [{ ...one, serial: 'xyz' }] }), RequestRefused);
    await assert.rejects(
      door.signCrl({ ...empty, revoked: [{ ...one, reason: 'bored' as 'superseded' }] }),
      /"bored" is no reason/,
    );
  });
});
