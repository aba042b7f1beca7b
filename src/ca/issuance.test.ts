import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { FAKE_START, fakeClock, type FakeClock } from '../../test/fakes/clock.ts';
import { seededRandom } from '../../test/fakes/random.ts';
import type { RelayEvent } from '../base/event.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { memoryLedger } from '../storage/memory/ledger.ts';
import type { CrlRequest, SigningDoor } from './authority.ts';
import { issue, refuse, signCrl, SIGNING_TIME, type Issuance, type Wish } from './issuance.ts';
import { makeKey } from './keys.ts';
import type { Ledger } from './ledger.ts';
import { RequestRefused } from './refusal.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Bench {
  readonly issuance: Issuance;
  readonly ledger: Ledger;
  readonly clock: FakeClock;
  readonly events: RelayEvent[];
  readonly crls: CrlRequest[];
  readonly opened: () => number;
  readonly wish: (over?: Partial<Wish>) => Wish;
  readonly told: () => string[];
}

function bench(over: Partial<SigningDoor> = {}): Bench {
  const clock = fakeClock();
  const { door, random } = testAuthority({ clock });
  const ledger = memoryLedger();
  const events: RelayEvent[] = [];
  const crls: CrlRequest[] = [];
  const { publicKey } = makeKey();
  let open = 0;
  const issuance: Issuance = {
    clock,
    random,
    ledger,
    events: { tell: (event) => events.push(event) },
    async door() {
      open++;
      return {
        issue: (request) => door.issue(request),
        signCrl(request) {
          crls.push(request);
          return door.signCrl(request);
        },
        ...over,
        close: () => open--,
      };
    },
  };
  const usual = { profile: 'person', holder: 'alice@example.net', csr: undefined, publicKey } as const;
  return {
    issuance,
    ledger,
    clock,
    events,
    crls,
    opened: () => open,
    wish: (over = {}) => ({ ...usual, dnsNames: [], uris: [], subject: undefined, life: undefined, ...over }),
    told: () => ledger.audit(0, 100).map(({ action, by, holder, detail }) => `${action} ${by} ${holder}: ${detail}`),
  };
}

describe('issuing', () => {
  test('what is asked for and what came of it are told, by whom and why', async () => {
    const { issuance, ledger, events, opened, wish, told } = bench();
    const { record, certificate, chain } = await issue(issuance, wish(), 'est:alice@example.net', 'a new laptop');
    assert.equal(parseCertificate(certificate)?.serial, record.serial);
    assert.equal(chain.length, 2);
    assert.deepEqual(ledger.get(record.serial), record);
    assert.deepEqual(told(), [
      'requested est:alice@example.net alice@example.net: person: a new laptop',
      'issued est:alice@example.net alice@example.net: person: a new laptop',
    ]);
    assert.deepEqual(
      ledger.audit(0, 9).map(({ serial, fingerprint }) => [serial, fingerprint]),
      [
        [record.serial, undefined],
        [record.serial, record.fingerprint],
      ],
    );
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['issued'],
    );
    assert.equal(opened(), 0);
  });

  test('a renewal is told as one, and joined to what it follows', async () => {
    const { issuance, ledger, wish, told, clock } = bench();
    const first = await issue(issuance, wish(), 'cli:root', 'first');
    const overlapEnds = clock.now() + DAY;
    const second = await issue(issuance, wish(), 'cli:root', 'second', { serials: [first.record.serial], overlapEnds });
    const { replacedBy, overlapEnds: until } = ledger.get(first.record.serial) ?? {};
    assert.deepEqual([replacedBy, until], [second.record.serial, overlapEnds]);
    assert.match(told().at(-1) ?? '', /^renewed/);
  });

  test('a refusal of the authority is told with its reason, and withdraws nothing', async () => {
    const { issuance, ledger, clock, events, wish, told, opened } = bench();
    await assert.rejects(issue(issuance, wish({ holder: 'no address' }), 'acme:7', 'x'), RequestRefused);
    assert.match(told().at(-1) ?? '', /^refused acme:7 no address: .*no mail address \(RFC 5321/);
    assert.deepEqual([ledger.count({}), ledger.counts(0).pending, events.length, opened()], [0, 0, 0, 0]);
    refuse(issuance, undefined, 'est:unknown', 'the token is not known');
    assert.equal(told().at(-1), 'refused est:unknown undefined: the token is not known');
    await clock.advance(SIGNING_TIME + 1);
    assert.deepEqual(ledger.abandon(clock.now(), clock.now(), 'relay'), []);
  });

  test('a signer that dies: nobody knows whether it signed, so the serial number goes on the CRL', async () => {
    const dies = { issue: () => Promise.reject(new Error('the signer ended')) };
    const { issuance, ledger, clock, crls, wish, told, opened } = bench(dies);
    await assert.rejects(issue(issuance, wish(), 'cli:root', 'x'), /the signer ended/);
    assert.match(told().at(-1) ?? '', /^failed cli:root alice@example\.net: the signer ended/);
    assert.deepEqual([ledger.counts(0).pending, opened()], [1, 0]);
    await signCrl(issuance, 'relay');
    assert.deepEqual(crls[0]?.revoked, [], 'it may still be at it');
    await clock.advance(SIGNING_TIME + 1);
    await signCrl(issuance, 'relay');
    const { serial } = ledger.audit(0, 1)[0] ?? {};
    assert.deepEqual(crls[1]?.revoked, [{ serial, at: clock.now(), reason: 'unspecified' }]);
  });

  test('a signing that ends after it was given up is not recorded, and not given away', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { door } = testAuthority();
    const { issuance, ledger, clock, events, wish } = bench({
      async issue(request) {
        await promise;
        return door.issue(request);
      },
    });
    const issuing = issue(issuance, wish(), 'cli:root', 'x');
    await clock.advance(SIGNING_TIME + 1);
    await signCrl(issuance, 'relay');
    resolve();
    await assert.rejects(issuing, /was given up and is withdrawn/);
    assert.deepEqual([ledger.count({}), events.length], [0, 0]);
  });

  test('random numbers that repeat: no serial number is signed twice', async () => {
    const { issuance, ledger, wish } = bench();
    let signed = 0;
    const again = (): Issuance => ({
      ...issuance,
      random: seededRandom(9),
      async door() {
        const door = await issuance.door();
        return {
          ...door,
          issue(request) {
            signed++;
            return door.issue(request);
          },
        };
      },
    });
    await issue(again(), wish(), 'cli:root', 'x');
    await assert.rejects(issue(again(), wish(), 'cli:root', 'x'), /already/);
    assert.deepEqual([signed, ledger.count({}), ledger.auditCount()], [1, 1, 2]);
  });

  test('a signer that puts another serial number in is not believed', async () => {
    const { door } = testAuthority();
    const { issuance, ledger, wish } = bench({
      issue: (request) => door.issue({ ...request, serial: new Uint8Array(16).fill(1) }),
    });
    await assert.rejects(issue(issuance, wish(), 'cli:root', 'x'), /used serial number 4101.* instead of/);
    assert.deepEqual([ledger.count({}), ledger.counts(0).pending], [0, 1]);
  });

  test('a door that does not open: nothing is asked for, nothing is told', async () => {
    const { issuance, ledger, wish } = bench();
    const locked = { ...issuance, door: () => Promise.reject(new Error('the key is locked')) };
    await assert.rejects(issue(locked, wish(), 'cli:root', 'x'), /the key is locked/);
    assert.equal(ledger.auditCount(), 0);
  });
});

describe('a clock that went back', () => {
  test('a little: nobody is told, and neither log nor CRL go back', async () => {
    const { issuance, ledger, clock, crls, events } = bench();
    await signCrl(issuance, 'relay');
    clock.stepWall(-60_000);
    await signCrl(issuance, 'relay');
    assert.deepEqual(
      crls.map(({ number, thisUpdate }) => [number, thisUpdate]),
      [
        [1, FAKE_START],
        [2, FAKE_START],
      ],
    );
    assert.deepEqual(
      ledger.audit(0, 9).map(({ at }) => at),
      [FAKE_START, FAKE_START],
    );
    assert.deepEqual(events, []);
  });

  test('by hours: what is signed has the time of the clock, and it is told here and in the log', async () => {
    const { issuance, clock, crls, events, wish, told } = bench();
    clock.stepWall(DAY);
    await signCrl(issuance, 'relay');
    clock.stepWall(-DAY);
    await signCrl(issuance, 'relay');
    assert.deepEqual(
      crls.map(({ number, thisUpdate }) => [number, thisUpdate - FAKE_START]),
      [
        [1, DAY],
        [2, 0],
      ],
    );
    const { record } = await issue(issuance, wish(), 'cli:root', 'x');
    assert.ok(record.notBefore <= FAKE_START);
    const troubles = events.flatMap((event) => (event.kind === 'trouble' ? [event.detail] : []));
    assert.equal(troubles.length, 2);
    assert.match(troubles[0] ?? '', /the clock is 86400 s behind the last entry.*set it right/);
    assert.match(told().at(-1) ?? '', /the clock is 86400 s behind the entry before/);
  });

  test('before the CA was made: refused', async () => {
    const { issuance, ledger, clock, wish } = bench();
    clock.stepWall(-2 * HOUR);
    await assert.rejects(issue(issuance, wish(), 'cli:root', 'x'), /begins before its issuer/);
    assert.equal(ledger.count({}), 0);
  });
});
