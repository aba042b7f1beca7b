/** The contract of `Ledger`, run by every engine. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { AuditNote } from './audit.ts';
import type { Ledger, LedgerRecord } from './ledger.ts';

const T0 = 1_800_000_000_000;

/** An active record with usual values. */
export function someRecord(serial: string, over: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    serial,
    holder: 'alice@example.net',
    profile: 'person',
    subject: '/CN=alice@example.net',
    issuer: '/O=mail.example.net/CN=Sealpost+20Issuing+20mail.example.net',
    fingerprint: 'ab'.repeat(32),
    notBefore: T0,
    notAfter: T0 + 1000,
    issuedAt: T0,
    state: 'active',
    revokedAt: undefined,
    reason: undefined,
    replacedBy: undefined,
    overlapEnds: undefined,
    certificate: Uint8Array.of(0x30, 1, 2),
    ...over,
  };
}

/** One whose fingerprint is that of its octets, as what was issued has it. */
export function issuedRecord(serial: string, over: Partial<LedgerRecord> = {}): LedgerRecord {
  const certificate = Uint8Array.from(Buffer.from(`certificate ${serial}`));
  const fingerprint = createHash('sha256').update(certificate).digest('hex');
  return someRecord(serial, { certificate, fingerprint, ...over });
}

/** A note with usual words. */
export function someNote(action: AuditNote['action'] = 'issued', over: Partial<AuditNote> = {}): AuditNote {
  return { action, by: 'cli:root', detail: 'as asked', ...over };
}

/**
 * `open` gives a ledger on records of the given name, which are empty at first; for an engine that `lasts`, a second
 * one of the same name has the same records, as another process would. `done` removes them.
 */
export function ledgerSuite(
  name: string,
  lasts: boolean,
  open: (records: string) => Ledger,
  done: (records: string) => void = () => {},
): void {
  let count = 0;
  const using = (act: (ledger: Ledger, again: () => Ledger) => void) => (): void => {
    const records = `${name}-${++count}`;
    const ledger = open(records);
    try {
      act(ledger, () => open(records));
    } finally {
      ledger.close();
      done(records);
    }
  };

  describe(`ledger: ${name}`, () => {
    test(
      'gives back what was added, all fields',
      using((ledger) => {
        const active = someRecord('01');
        const revoked = someRecord('02', {
          state: 'revoked',
          revokedAt: T0 + 5,
          reason: 'superseded',
          issuedAt: T0 + 1,
        });
        ledger.add(active, someNote());
        ledger.add(revoked, someNote('imported'));
        const found = ledger.find({});
        assert.deepEqual(
          found.map((record) => ({ ...record, certificate: [...record.certificate] })),
          [
            { ...active, certificate: [0x30, 1, 2] },
            { ...revoked, certificate: [0x30, 1, 2] },
          ],
        );
      }),
    );

    test(
      'finds by holder, serial and state together, in order of issue',
      using((ledger) => {
        ledger.add(someRecord('0c', { issuedAt: T0 + 2 }), someNote());
        ledger.add(someRecord('0b', { issuedAt: T0 + 1 }), someNote());
        ledger.add(someRecord('0a', { issuedAt: T0 + 1, state: 'suspended' }), someNote());
        ledger.add(someRecord('0d', { holder: 'bob@example.net' }), someNote());
        const serials = (filter: Parameters<Ledger['find']>[0]): string[] =>
          ledger.find(filter).map(({ serial }) => serial);
        assert.deepEqual(serials({}), ['0d', '0a', '0b', '0c']);
        assert.deepEqual(serials({ holder: 'alice@example.net' }), ['0a', '0b', '0c']);
        assert.deepEqual(serials({ holder: 'alice@example.net', state: 'active' }), ['0b', '0c']);
        assert.deepEqual(serials({ serial: '0d' }), ['0d']);
        assert.deepEqual(serials({ serial: '0d', holder: 'alice@example.net' }), []);
        assert.deepEqual(serials({ holder: "' OR 1=1 --" }), []);
      }),
    );

    test(
      'finds what was replaced and whose overlap has ended before its own end, and what nothing has replaced',
      using((ledger) => {
        for (const serial of ['01', '02', '03']) ledger.add(someRecord(serial, { notAfter: T0 + 100 }), someNote());
        ledger.add(someRecord('11', { notAfter: T0 + 900 }), someNote(), { serials: ['01'], overlapEnds: T0 + 50 });
        ledger.add(someRecord('12', { notAfter: T0 + 900 }), someNote(), { serials: ['02'], overlapEnds: T0 + 500 });
        const over = (at: number): string[] => ledger.find({ overlapEndsBefore: at }).map(({ serial }) => serial);
        assert.deepEqual(over(T0 + 50), []);
        assert.deepEqual(over(T0 + 51), ['01']);
        assert.deepEqual(over(T0 + 1_000), ['01'], 'the other one ends by itself');
        assert.deepEqual(
          ledger.find({ current: true }).map(({ serial }) => serial),
          ['03', '11', '12'],
        );
        ledger.revoke(['01'], 'superseded', T0 + 60, someNote('revoked'));
        assert.deepEqual(over(T0 + 1_000), []);
      }),
    );

    test(
      'refuses a serial number it has, and keeps the first record',
      using((ledger) => {
        ledger.add(someRecord('01'), someNote());
        const version = ledger.version();
        assert.throws(() => ledger.add(someRecord('01', { holder: 'eve@example.net' }), someNote()), /01 already/);
        assert.equal(ledger.find({ serial: '01' })[0]?.holder, 'alice@example.net');
        assert.equal(ledger.version(), version);
      }),
    );

    test(
      'revokes once: time and reason of the first stay, unknown serials are passed over',
      using((ledger) => {
        ledger.add(someRecord('01'), someNote());
        ledger.add(someRecord('02', { state: 'suspended', issuedAt: T0 + 1 }), someNote());
        const changed = ledger.revoke(['02', '01', 'ff', '01'], 'keyCompromise', T0 + 10, someNote('revoked'));
        assert.deepEqual(
          changed.map(({ serial, state, reason, revokedAt }) => [serial, state, reason, revokedAt]),
          [
            ['01', 'revoked', 'keyCompromise', T0 + 10],
            ['02', 'revoked', 'keyCompromise', T0 + 10],
          ],
        );
        assert.deepEqual(ledger.revoke(['01'], 'superseded', T0 + 20, someNote('revoked')), []);
        assert.equal(ledger.find({ serial: '01' })[0]?.reason, 'keyCompromise');
        assert.equal(ledger.find({ serial: '01' })[0]?.revokedAt, T0 + 10);
      }),
    );

    test(
      'tells of one serial number whether it is withdrawn, that of a signing which did not end too',
      using((ledger) => {
        ledger.add(someRecord('01'), someNote());
        ledger.add(someRecord('02'), someNote());
        ledger.revoke(['02'], 'superseded', T0 + 10, someNote('revoked'));
        const wish = { holder: 'alice@example.net', profile: 'person', at: T0, notAfter: T0 + 1_000 } as const;
        ledger.reserve('03', wish, someNote('requested'));
        assert.deepEqual(
          ['01', '02', '03', '04'].map((serial) => ledger.withdrawal(serial)),
          [undefined, { serial: '02', at: T0 + 10, reason: 'superseded' }, undefined, undefined],
        );
        ledger.abandon(T0 + 1, T0 + 20, 'relay');
        assert.deepEqual(ledger.withdrawal('03'), { serial: '03', at: T0 + 20, reason: 'unspecified' });
      }),
    );

    test(
      'version rises with each addition and change, and with nothing else',
      using((ledger) => {
        const seen = [ledger.version()];
        const step = (act: () => unknown): void => {
          act();
          seen.push(ledger.version());
        };
        step(() => ledger.add(someRecord('01'), someNote()));
        step(() => ledger.revoke(['01'], 'unspecified', T0, someNote('revoked')));
        const [first = 0, second = 0, third = 0] = seen;
        assert.ok(first < second && second < third, `${seen.join(' ')} does not rise`);
        ledger.find({});
        ledger.revoke(['01'], 'unspecified', T0, someNote('revoked'));
        ledger.nextCrlNumber();
        assert.equal(ledger.version(), third);
      }),
    );

    test(
      'CRL numbers count up from 1',
      using((ledger) => {
        assert.deepEqual([ledger.nextCrlNumber(), ledger.nextCrlNumber(), ledger.nextCrlNumber()], [1, 2, 3]);
      }),
    );

    // An engine in memory has nothing to open again.
    if (!lasts) return;
    test(
      'another opener sees changes, and they last',
      using((ledger, again) => {
        const other = again();
        try {
          const before = ledger.version();
          other.add(someRecord('01'), someNote());
          assert.ok(ledger.version() > before);
          assert.equal(ledger.find({ serial: '01' }).length, 1);
          assert.equal(other.nextCrlNumber(), 1);
          assert.equal(ledger.nextCrlNumber(), 2);
        } finally {
          other.close();
        }
        const third = again();
        try {
          assert.equal(third.find({}).length, 1);
          assert.equal(third.nextCrlNumber(), 3);
        } finally {
          third.close();
        }
      }),
    );
  });
}
