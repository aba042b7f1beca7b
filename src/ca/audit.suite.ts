/** The contract of `Ledger` about reservations, the issuance log and paging, run by every engine. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NOTHING_BEFORE, faultIn, hashOf, type AuditEntry } from './audit.ts';
import { verifyAudit } from './audit-verify.ts';
import type { Ledger, LedgerFilter } from './ledger.ts';
import { issuedRecord, someNote, someRecord } from './ledger.suite.ts';

const T0 = 1_800_000_000_000;
const WISH = { holder: 'alice@example.net', profile: 'person', at: T0, notAfter: T0 + 1_000 } as const;

/** `open` gives an empty ledger; `done` removes what it left. */
export function auditSuite(
  name: string,
  open: (records: string) => Ledger,
  done: (records: string) => void = () => {},
): void {
  let count = 0;
  const using = (act: (ledger: Ledger) => void | Promise<void>) => async (): Promise<void> => {
    const records = `${name}-log-${++count}`;
    const ledger = open(records);
    try {
      await act(ledger);
    } finally {
      ledger.close();
      done(records);
    }
  };
  const log = (ledger: Ledger): AuditEntry[] => ledger.audit(0, 1_000_000);
  const told = (ledger: Ledger): string[] => log(ledger).map(({ action, serial }) => `${action} ${serial ?? '-'}`);
  const faults = async (ledger: Ledger): Promise<readonly string[]> =>
    (await verifyAudit(ledger, undefined, () => Promise.resolve())).faults.map(({ what }) => what);

  describe(`issuance log: ${name}`, () => {
    test(
      'a serial number is reserved once, and a certificate takes the place of its reservation',
      using((ledger) => {
        ledger.reserve('01', WISH, someNote('requested'));
        assert.deepEqual([ledger.counts(T0).pending, ledger.get('01')], [1, undefined]);
        assert.throws(() => ledger.reserve('01', WISH, someNote('requested')), /01 already/);
        ledger.add(someRecord('01'), someNote());
        assert.deepEqual([ledger.counts(T0).pending, ledger.get('01')?.serial], [0, '01']);
        assert.throws(() => ledger.reserve('01', WISH, someNote('requested')), /01 already/);
        ledger.abandon(T0 + 10, T0 + 10, 'relay');
        assert.deepEqual(told(ledger), ['requested 01', 'issued 01'], 'what failed is not told');
      }),
    );

    test(
      'what was refused is taken back, and leaves nothing to withdraw',
      using((ledger) => {
        ledger.reserve('01', WISH, someNote('requested'));
        ledger.release('01', someNote('refused', { detail: 'no such name' }), T0 + 1);
        assert.deepEqual(ledger.abandon(T0 + 10, T0 + 10, 'relay'), []);
        assert.deepEqual(ledger.withdrawn(0), []);
        assert.deepEqual(told(ledger), ['requested 01', 'refused 01']);
      }),
    );

    test(
      'a signing that did not end is withdrawn, stays so, and can never be added',
      using((ledger) => {
        ledger.reserve('01', WISH, someNote('requested'));
        ledger.reserve('02', { ...WISH, at: T0 + 5 }, someNote('requested'));
        assert.deepEqual(ledger.abandon(T0 + 5, T0 + 9, 'relay'), ['01']);
        assert.deepEqual(ledger.abandon(T0 + 5, T0 + 9, 'relay'), [], 'once');
        assert.deepEqual(ledger.withdrawn(0), [{ serial: '01', at: T0 + 9, reason: 'unspecified' }]);
        assert.deepEqual(ledger.withdrawn(WISH.notAfter), [], 'until the certificate would have ended');
        const { pending, abandoned } = ledger.counts(T0);
        assert.deepEqual([pending, abandoned], [1, 1]);
        assert.throws(() => ledger.add(someRecord('01'), someNote()), /01 was given up/);
        assert.throws(() => ledger.reserve('01', WISH, someNote('requested')), /01 already/);
        ledger.release('01', someNote('refused'), T0 + 10);
        assert.equal(ledger.counts(T0).abandoned, 1, 'a late refusal takes nothing back');
        assert.deepEqual(told(ledger), ['requested 01', 'requested 02', 'abandoned 01', 'refused 01']);
      }),
    );

    test(
      'the CRL has what was revoked and has not ended, by serial number',
      using((ledger) => {
        for (const serial of ['03', '01', '02']) ledger.add(someRecord(serial), someNote());
        ledger.add(someRecord('04', { notAfter: T0 + 1 }), someNote());
        ledger.revoke(['04', '03', '01'], 'superseded', T0 + 2, someNote('revoked'));
        assert.deepEqual(
          ledger
            .withdrawn(T0 + 1)
            .toSorted((a, b) => (a.serial < b.serial ? -1 : 1))
            .map(({ serial, at, reason }) => [serial, at, reason]),
          [
            ['01', T0 + 2, 'superseded'],
            ['03', T0 + 2, 'superseded'],
          ],
        );
      }),
    );

    test(
      'a certificate that takes the place of others is known to them',
      using((ledger) => {
        ledger.add(someRecord('01'), someNote());
        const before = ledger.version();
        ledger.add(someRecord('02'), someNote('renewed'), { serials: ['01', 'ff'], overlapEnds: T0 + 7 });
        const old = ledger.get('01');
        assert.deepEqual([old?.replacedBy, old?.overlapEnds, old?.state], ['02', T0 + 7, 'active']);
        const changed = ledger.changedSince(before, 10);
        assert.deepEqual(changed.records.map(({ serial }) => serial).toSorted(), ['01', '02']);
      }),
    );

    test(
      'changes come in order and in pages, each record once in its last state',
      using((ledger) => {
        const start = ledger.version();
        for (const serial of ['01', '02', '03']) ledger.add(someRecord(serial), someNote());
        ledger.revoke(['01'], 'unspecified', T0, someNote('revoked'));
        const seen: string[] = [];
        let version = start;
        for (let page = 0; page < 10 && version !== ledger.version(); page++) {
          const changed = ledger.changedSince(version, 1);
          assert.ok(changed.version > version);
          seen.push(...changed.records.map(({ serial, state }) => `${serial} ${state}`));
          version = changed.version;
        }
        assert.deepEqual(seen, ['02 active', '03 active', '01 revoked']);
        assert.deepEqual(ledger.changedSince(version, 10), { version, records: [] });
      }),
    );

    test(
      'pages by time of issue and by end, conditions on the end, beginnings of serial numbers',
      using((ledger) => {
        const add = (serial: string, issued: number, ends: number): void =>
          ledger.add(someRecord(serial, { issuedAt: T0 + issued, notAfter: T0 + ends }), someNote());
        add('0a', 1, 30);
        add('0b', 1, 10);
        add('c0', 2, 20);
        add('c1', 0, 20);
        const serials = (filter: LedgerFilter): string[] => ledger.find(filter).map(({ serial }) => serial);
        const pages = (filter: LedgerFilter): string[][] => {
          const found: string[][] = [];
          let page = ledger.find({ ...filter, limit: 2 });
          for (; page.length > 0; page = ledger.find({ ...filter, limit: 2, after: page.at(-1) }))
            found.push(page.map(({ serial }) => serial));
          return found;
        };
        assert.deepEqual(pages({}), [
          ['c1', '0a'],
          ['0b', 'c0'],
        ]);
        assert.deepEqual(pages({ order: 'ending', state: ['active', 'suspended'] }), [
          ['0b', 'c0'],
          ['c1', '0a'],
        ]);
        assert.deepEqual(serials({ endsAfter: T0 + 10, endsBefore: T0 + 30 }), ['c1', 'c0']);
        assert.deepEqual(serials({ serialBegins: 'c' }), ['c1', 'c0']);
        assert.equal(ledger.count({ endsAfter: T0 + 10, limit: 1 }), 3);
        ledger.revoke(['c0'], 'unspecified', T0, someNote('revoked'));
        const { active, ended, revoked, suspended } = ledger.counts(T0 + 20);
        assert.deepEqual([active, ended, revoked, suspended], [1, 2, 1, 0]);
      }),
    );

    test(
      'gives the holders around a name',
      using((ledger) => {
        ['anna', 'bert', 'bert', 'carl', 'dora', 'emil'].forEach((holder, index) =>
          ledger.add(someRecord(`0${index}`, { holder }), someNote()),
        );
        assert.deepEqual(ledger.holdersNear('carla', 2), ['bert', 'carl', 'dora', 'emil']);
        assert.deepEqual(ledger.holdersNear('', 1), ['anna']);
        assert.deepEqual(ledger.holdersNear('zoe', 9), ['anna', 'bert', 'carl', 'dora', 'emil']);
      }),
    );

    test(
      'each entry has the hash of the one before; who, why and what are in it',
      using((ledger) => {
        assert.equal(ledger.auditHead(), undefined);
        ledger.add(someRecord('01'), someNote('issued', { by: 'est:alice@example.net', detail: 'new laptop' }));
        ledger.revoke(['01'], 'keyCompromise', T0 + 3, someNote('revoked', { detail: 'keyCompromise: stolen' }));
        ledger.appendAudit(someNote('exported', { holder: 'bob@example.net' }), T0 + 4);
        const [first, second, third] = log(ledger) as [AuditEntry, AuditEntry, AuditEntry];
        assert.deepEqual(first, {
          number: 1,
          at: T0,
          previous: NOTHING_BEFORE,
          action: 'issued',
          by: 'est:alice@example.net',
          holder: 'alice@example.net',
          serial: '01',
          fingerprint: 'ab'.repeat(32),
          detail: 'new laptop',
          hash: hashOf(first),
        });
        assert.deepEqual([second.previous, second.serial, second.at], [first.hash, '01', T0 + 3]);
        assert.deepEqual(ledger.auditHead(), third);
        assert.equal(ledger.auditCount(), 3);
        assert.deepEqual(ledger.audit(1, 1), [second]);
        assert.deepEqual(ledger.auditTail(1), [third]);
        assert.deepEqual(ledger.auditTail(9, { holder: 'alice@example.net' }), [first, second]);
        assert.deepEqual(ledger.auditTail(1, { holder: 'alice@example.net' }), [second]);
        assert.deepEqual(ledger.auditTail(9, { since: T0 + 3 }), [second, third]);
      }),
    );

    test(
      'a clock that went back: no entry is earlier than the one before, and a large step is told',
      using(async (ledger) => {
        ledger.appendAudit(someNote('crl'), T0);
        ledger.appendAudit(someNote('crl'), T0 - 5);
        ledger.appendAudit(someNote('crl'), T0 - 3_600_000);
        ledger.appendAudit(someNote('crl'), T0 + 1);
        assert.deepEqual(
          log(ledger).map(({ at, detail }) => [at - T0, detail]),
          [
            [0, 'as asked'],
            [0, 'as asked'],
            [0, 'as asked (the clock is 3600 s behind the entry before)'],
            [1, 'as asked'],
          ],
        );
        assert.deepEqual(await faults(ledger), []);
      }),
    );

    test(
      'whatever words come, they are kept as they are in the chain, and steer no terminal',
      using(async (ledger) => {
        fc.assert(
          fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ unit: 'grapheme' }), (by, detail) => {
            const given = ledger.appendAudit(someNote('token', { by, holder: detail, detail }), T0);
            assert.deepEqual(ledger.audit(given.number - 1, 1), [given]);
            assert.doesNotMatch(given.by + given.detail, /\p{Cc}|\p{Cs}/u);
          }),
          { numRuns: 60 },
        );
        const long = ledger.appendAudit(someNote('refused', { detail: 'x'.repeat(100_000) }), T0);
        assert.ok(long.detail.length < 1_100);
        assert.deepEqual(await faults(ledger), []);
      }),
    );

    test(
      'whatever is done in whatever order, the log is whole and the ledger as it says',
      using(async (ledger) => {
        const serial = fc.integer({ min: 10, max: 49 }).map(String);
        const at = fc.integer({ min: T0 - 100_000, max: T0 + 100_000 });
        let last: AuditEntry | undefined;
        const step = fc.tuple(
          fc.constantFrom('reserve', 'release', 'abandon', 'add', 'import', 'replace', 'revoke'),
          serial,
          at,
        );
        for (const [what, number, when] of fc.sample(step, { numRuns: 200, seed: 7 })) {
          const version = ledger.version();
          const entries = ledger.auditCount();
          try {
            if (what === 'reserve') ledger.reserve(number, { ...WISH, at: when }, someNote('requested'));
            if (what === 'release') ledger.release(number, someNote('refused'), when);
            if (what === 'abandon') ledger.abandon(when, when, 'relay');
            if (what === 'add') ledger.add(issuedRecord(number), someNote());
            if (what === 'import')
              ledger.add(issuedRecord(number, { state: 'revoked', revokedAt: when }), someNote('imported'));
            if (what === 'replace')
              ledger.add(issuedRecord(number), someNote('renewed'), { serials: ['10', '11'], overlapEnds: when });
            if (what === 'revoke') ledger.revoke([number, '12'], 'superseded', when, someNote('revoked'));
          } catch (error) {
            assert.match(String(error), /already|given up/);
            assert.deepEqual(
              [ledger.version(), ledger.auditCount()],
              [version, entries],
              'what failed changed nothing',
            );
          }
          const reserved = ledger.withdrawal(number) !== undefined && ledger.get(number) === undefined;
          assert.ok(!reserved || ledger.find({ serial: number }).length === 0);
        }
        for (const entry of log(ledger)) {
          assert.equal(faultIn(entry, last), undefined);
          last = entry;
        }
        assert.deepEqual(await faults(ledger), []);
        assert.ok(ledger.count({}) > 3 && ledger.auditCount() > 60, 'it did work');
      }),
    );
  });
}
