import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAKE_START, fakeClock } from '../../test/fakes/clock.ts';
import { issuedRecord, someNote, someRecord } from '../ca/ledger.suite.ts';
import type { Ledger } from '../ca/ledger.ts';
import { memoryLedger } from '../storage/memory/ledger.ts';
import { listAudit, verifyLog, type AuditVerification } from './audit.ts';
import { select } from './certificate-select.ts';
import type { CertificateContext } from './certificate-issue.ts';
import { listCertificates } from './certificates.ts';
import { OperationError } from './errors.ts';

const DAY = 86_400_000;

/** Only what is asked of it here. */
function contextOn(ledger: Ledger): CertificateContext {
  return { clock: fakeClock(), ledger, actor: 'cli:root' } as Partial<CertificateContext> as CertificateContext;
}

/** Verifies while the clock that paces it goes on. */
async function verified(ledger: Ledger, head?: string): Promise<AuditVerification> {
  const clock = fakeClock();
  const verifying = verifyLog({ clock, ledger }, { head });
  const state = { ended: false };
  const end = (): void => void (state.ended = true);
  verifying.then(end, end);
  while (!state.ended) await clock.advance(1);
  return await verifying;
}

describe('the issuance log, as operators have it', () => {
  test('the last entries in the order in which they were written, and whether there are more', () => {
    const ledger = memoryLedger();
    for (const serial of ['01', '02', '03']) ledger.add(someRecord(serial), someNote());
    const context = contextOn(ledger);
    const numbers = (request: Parameters<typeof listAudit>[1]): number[] =>
      listAudit(context, request).entries.map(({ number }) => number);
    assert.deepEqual([numbers({ limit: 2 }), listAudit(context, { limit: 2 }).more], [[2, 3], true]);
    assert.deepEqual([numbers({ limit: 3 }), listAudit(context, { limit: 3 }).more], [[1, 2, 3], false]);
    assert.deepEqual([numbers({ holder: ' Alice@Example.net' }), numbers({ holder: 'bob' })], [[1, 2, 3], []]);
  });

  test('is whole over many pages, by itself and by the heads that were noted', async () => {
    const ledger = memoryLedger();
    assert.deepEqual(await verified(ledger), { whole: true, entries: 0, certificates: 0, head: null, faults: [] });
    const heads: string[] = [];
    for (let n = 0; n < 1_100; n++) {
      ledger.add(issuedRecord(`a${n}`), someNote());
      heads.push(`${n + 1}:${ledger.auditHead()?.hash}`);
    }
    const { whole, entries, certificates, head } = await verified(ledger, heads[500]);
    assert.deepEqual([whole, entries, certificates, head], [true, 1_100, 1_100, heads.at(-1)]);
    const { faults } = await verified(ledger, `1101:${'ab'.repeat(32)}`);
    assert.match(faults[0]?.what ?? '', /entry 1101 is missing/);
    for (const wrong of ['7', '0:ab', `x:${'ab'.repeat(32)}`, `7:${'ab'.repeat(31)}`])
      await assert.rejects(
        verified(ledger, wrong),
        (error) => error instanceof OperationError && error.kind === 'usage' && /no head/.test(error.message),
      );
  });
});

describe('a ledger with many certificates', () => {
  test('is listed up to a limit, with how many more there are; what ends soon comes first when that is asked', () => {
    const ledger = memoryLedger();
    for (let n = 10; n < 30; n++) {
      const notAfter = FAKE_START + (40 - n) * DAY;
      ledger.add(someRecord(`${n}`, { issuedAt: FAKE_START + n, notAfter }), someNote());
    }
    ledger.add(someRecord('30', { notAfter: FAKE_START - 1 }), someNote());
    ledger.revoke(['29'], 'unspecified', FAKE_START, someNote('revoked'));
    const context = contextOn(ledger);
    const listed = (request: Parameters<typeof listCertificates>[1]): readonly [string[], number] => {
      const { certificates, more } = listCertificates(context, request);
      return [certificates.map(({ serial }) => serial), more];
    };
    assert.deepEqual(listed({ limit: 2 }), [['10', '11'], 17]);
    assert.equal(listed({})[0].length, 19);
    assert.deepEqual(listed({ all: true, limit: 20 })[1], 1);
    assert.deepEqual(listed({ expiring: 14 * DAY, limit: 5 }), [['28', '27'], 0]);
  });

  test('a name that is none is told with a neighbour, a beginning of a serial number with or without its zero', () => {
    const ledger = memoryLedger();
    for (let n = 0; n < 500; n++)
      ledger.add(someRecord(`0b${1000 + n}`, { holder: `user${n}@example.net` }), someNote());
    const context = contextOn(ledger);
    const hint = (name: string): string | undefined => {
      try {
        select(context, { name });
        return assert.fail(`${name} was found`);
      } catch (error) {
        return error instanceof OperationError ? error.hint : assert.fail(String(error));
      }
    };
    assert.match(hint('user250@exampel.net') ?? '', /did you mean user250@example\.net/);
    assert.match(hint('zzz') ?? '', /list --all/);
    assert.equal(select(context, { serial: 'B1499' }).records[0]?.serial, '0b1499');
    assert.equal(select(context, { serial: '0b:14:99' }).records[0]?.holder, 'user499@example.net');
    assert.match(hint('0b149') ?? '', /list --all/, 'five digits are too few');
  });
});
