import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { IndexFault, parseIndex, writeIndex } from './openssl-index.ts';

const row = (...fields: string[]): string => `${fields.join('\t')}\n`;

describe('the database of openssl ca', () => {
  test('valid, expired, withdrawn with and without a reason', () => {
    const text =
      row('V', '270101000000Z', '', '02', 'unknown', '/C=JP/CN=alice') +
      row('E', '030531140849Z', '', '0A0B', 'unknown', '/CN=old') +
      row('R', '20600229235959Z', '250102030405Z', '3', 'unknown', '/CN=b') +
      row('R', '270101000000Z', '250102030405Z,keyCompromise', 'FF00FF00FF00FF00FF', 'unknown', '/CN=c') +
      row('R', '270101000000Z', '250102030405Z,holdInstruction,holdInstructionReject', '05', 'unknown', '/CN=d') +
      row('R', '270101000000Z', '250102030405Z,keyTime,20240101000000Z', '06', 'unknown', '/CN=e');
    const entries = parseIndex(text);
    assert.deepEqual(
      entries.map(({ serial }) => serial),
      ['02', '0a0b', '03', 'ff00ff00ff00ff00ff', '05', '06'],
    );
    assert.deepEqual(
      entries.map(({ notAfter }) => new Date(notAfter).toISOString().slice(0, 19)),
      [
        '2027-01-01T00:00:00',
        '2003-05-31T14:08:49',
        '2060-02-29T23:59:59',
        ...Array.from({ length: 3 }, () => '2027-01-01T00:00:00'),
      ],
    );
    assert.deepEqual(
      entries.map(({ withdrawn }) => withdrawn && `${withdrawn.reason} ${withdrawn.held}`),
      [undefined, undefined, 'unspecified false', 'keyCompromise false', 'unspecified true', 'keyCompromise false'],
    );
    assert.equal(entries[2]?.withdrawn?.at, Date.UTC(2025, 0, 2, 3, 4, 5));
  });

  test('what is no entry is told with its line', () => {
    const good = row('V', '270101000000Z', '', '02', 'unknown', '/CN=a');
    const cases: readonly (readonly [string, RegExp])[] = [
      ['V 270101000000Z 02', /^2: has 1 fields/],
      [row('X', '270101000000Z', '', '03', 'unknown', '/CN=a'), /^2: begins with "X"/],
      [row('V', '271301000000Z', '', '03', 'unknown', '/CN=a'), /^2: "271301000000Z" is no time/],
      [row('V', '270229000000Z', '', '03', 'unknown', '/CN=a'), /^2: "270229000000Z" is no time/],
      [row('V', '270101000000Z', '', 'xyz', 'unknown', '/CN=a'), /^2: "xyz" is no serial/],
      [row('R', '270101000000Z', 'then', '03', 'unknown', '/CN=a'), /^2: "then" is no time of withdrawal/],
      [row('V', '270101000000Z', '', '0002', 'unknown', '/CN=b'), /^2: serial number 02 is that of line 1/],
    ];
    for (const [bad, expected] of cases)
      assert.throws(
        () => parseIndex(good + bad),
        (error) => error instanceof IndexFault && expected.test(error.message),
      );
  });

  test('a subject cannot make a line or a field of its own', () => {
    const text = writeIndex([
      { serial: '01', notAfter: '270101000000Z', ended: false, withdrawn: undefined, subject: '/CN=a\tb\nV\t\\' },
    ]);
    assert.equal(parseIndex(text).length, 1);
  });

  test('what is written is read again', () => {
    const reasons = [
      'unspecified',
      'keyCompromise',
      'superseded',
      'affiliationChanged',
      'cessationOfOperation',
    ] as const;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            n: fc.integer({ min: 1, max: 2 ** 40 }),
            reason: fc.option(fc.constantFrom(...reasons), { nil: undefined }),
            subject: fc.string(),
          }),
        ),
        (records) => {
          const rows = [...new Map(records.map((record) => [record.n, record])).values()].map(
            ({ n, reason, subject }) => ({
              serial: n.toString(16).padStart(12, '0'),
              notAfter: '270101000000Z',
              ended: false,
              withdrawn: reason === undefined ? undefined : { at: '260101000000Z', reason },
              subject: `/${subject}`,
            }),
          );
          const entries = parseIndex(writeIndex(rows));
          assert.deepEqual(
            entries.map(({ serial, withdrawn }) => [Number.parseInt(serial, 16), withdrawn?.reason]),
            rows.map(({ serial, withdrawn }) => [Number.parseInt(serial, 16), withdrawn?.reason]),
          );
        },
      ),
    );
  });
});
