/**
 * What a ledger of a million certificates costs beside one of a thousand: a handshake's look-up, `show`, `revoke`,
 * `list`, `status`, the entries of a CRL, and issuing with a log and a disk that is synced. Makes its databases in the
 * temporary directory and removes them (2 GB). `node bench/ledger.bench.ts [certificates]`.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { select } from '../src/admin/certificate-select.ts';
import { listCertificates, showCertificate } from '../src/admin/certificates.ts';
import type { CertificateContext } from '../src/admin/certificate-issue.ts';
import { chain, type AuditEntry } from '../src/ca/audit.ts';
import { verifyAudit } from '../src/ca/audit-verify.ts';
import { issue, signCrl, type Issuance } from '../src/ca/issuance.ts';
import { fingerprintOf, makeKey } from '../src/ca/keys.ts';
import type { Ledger } from '../src/ca/ledger.ts';
import { openDatabase } from '../src/storage/sqlite/database.ts';
import { ledgerOn } from '../src/storage/sqlite/ledger.ts';
import { ENTRY, entryValues } from '../src/storage/sqlite/ledger-row.ts';
import { openLookup } from '../src/storage/sqlite/ledger-lookup.ts';
import { testAuthority } from '../test/fakes/authority.ts';
import { systemRandom } from '../src/platform/process/random.ts';

const LARGE = Number(process.argv[2] ?? 1_000_000);
const SMALL = 1_000;
const DAY = 86_400_000;
const ISSUER = '/CN=ca';
/** Of a hundred certificates. */
const REVOKED = 10;

const authority = testAuthority();
const { publicKey } = makeKey();
const { certificate } = await authority.issue();
const fingerprint = fingerprintOf(certificate);

interface Made {
  readonly path: string;
  readonly ledger: Ledger;
  readonly serials: readonly string[];
}

/** A ledger of `count` certificates, each with its entry in the log: what `add` writes, in few transactions. */
function make(folder: string, count: number): Made {
  const path = join(folder, `${count}.db`);
  const db = openDatabase(path);
  db.exec('PRAGMA synchronous = OFF');
  const entry = db.prepare(`INSERT INTO audit (${ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const row = db.prepare(
    `INSERT INTO certificate (serial, holder, profile, subject, issuer, fingerprint, not_before, not_after, issued_at, state, revoked_at, reason, der, entry, revoked_entry)
     VALUES (?, ?, 'person', ?, '${ISSUER}', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const start = Date.now() - 300 * DAY;
  const serials: string[] = [];
  let last: AuditEntry | undefined;
  db.exec('BEGIN');
  for (let n = 0; n < count; n++) {
    const serial = `5${randomBytes(16).toString('hex').slice(1)}`;
    const holder = `user${n}@example.net`;
    const at = start + Math.floor((n / count) * 300 * DAY);
    last = chain(last, { action: 'issued', by: 'cli:root', holder, serial, fingerprint, detail: 'person: bench' }, at);
    entry.run(...entryValues(last));
    const brought = last.number;
    const revoked = n % 100 < REVOKED;
    if (revoked) {
      last = chain(last, { action: 'revoked', by: 'cli:root', holder, serial, detail: 'superseded' }, at);
      entry.run(...entryValues(last));
    }
    const withdrawn = revoked ? ['revoked', at, 'superseded'] : ['active', null, null];
    row.run(
      serial,
      holder,
      `/CN=${holder}`,
      fingerprint,
      at,
      at + 397 * DAY,
      at,
      ...withdrawn,
      certificate,
      brought,
      revoked ? last.number : null,
    );
    serials.push(serial);
    if (n % 20_000 === 19_999) db.exec('COMMIT; BEGIN');
  }
  db.exec('COMMIT; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
  return { path, ledger: ledgerOn(db), serials };
}

/** Median and 99th percentile of one call, ms. */
async function time(times: number, act: (index: number) => unknown): Promise<readonly [number, number]> {
  const spans: number[] = [];
  for (let index = 0; index < times; index++) {
    const begun = performance.now();
    await act(index);
    spans.push(performance.now() - begun);
  }
  spans.sort((a, b) => a - b);
  return [spans[Math.floor(times / 2)] ?? 0, spans[Math.floor(times * 0.99)] ?? 0];
}

async function measure({ path, ledger, serials }: Made): Promise<Map<string, readonly [number, number]>> {
  const clock = { now: () => Date.now(), monotonic: () => performance.now(), after: () => () => {} };
  const { door } = authority;
  const issuance: Issuance = {
    clock,
    random: systemRandom(),
    events: { tell: () => {} },
    ledger,
    door: async () => door,
  };
  const context: CertificateContext = {
    ...issuance,
    actor: 'cli:bench',
    door: () => issuance.door(),
    files: { read: async () => new Uint8Array(0), write: async () => {} } as never,
    live: undefined,
  };
  const any = (): string => serials[randomInt(serials.length)] as string;
  const holder = (): string => `user${randomInt(serials.length)}@example.net`;
  const lookup = openLookup(path);
  const found = new Map<string, readonly [number, number]>();
  const run = async (what: string, times: number, act: (index: number) => unknown): Promise<void> => {
    found.set(what, await time(times, act));
  };
  await run('handshake: known certificate', 20_000, () => lookup.standing(ISSUER, any()));
  await run('handshake: unknown certificate', 20_000, () => lookup.standing(ISSUER, randomBytes(16).toString('hex')));
  await run('show: holder', 1_000, () => showCertificate(context, { name: holder() }));
  await run('show: serial number', 1_000, () => showCertificate(context, { name: any() }));
  await run('show: beginning of it', 1_000, () => showCertificate(context, { name: any().slice(0, 12) }));
  await run('show: unknown name', 100, () => {
    try {
      select(context, { name: `${holder()}x` });
    } catch {
      // It is not there: that is what is measured.
    }
  });
  await run('revoke, in the ledger', 200, () =>
    ledger.revoke([any()], 'superseded', Date.now(), { action: 'revoked', by: 'cli:bench', detail: 'superseded' }),
  );
  const wish = {
    profile: 'person',
    holder: 'new@example.net',
    csr: undefined,
    publicKey,
    dnsNames: [],
    uris: [],
  } as const;
  await run('issue, end to end', 200, () =>
    issue(issuance, { ...wish, subject: undefined, life: 30 * DAY }, 'cli:bench', 'bench'),
  );
  await run('list: a thousand', 20, () => listCertificates(context));
  await run('status: counts', 20, () => ledger.counts(Date.now()));
  await run('CRL: its entries', 5, () => ledger.withdrawn(0));
  await run('CRL, signed', 3, () => signCrl(issuance, 'cli:bench'));
  await run('changes since the last look', 1_000, () => ledger.changedSince(ledger.version() - 1, 100));
  await run('audit list: a hundred', 100, () => ledger.auditTail(100));
  await run('audit list: of a holder', 100, () => ledger.auditTail(100, { holder: holder() }));
  await run('audit verify', 1, () => verifyAudit(ledger, undefined, () => Promise.resolve()));
  lookup.close();
  ledger.close();
  return found;
}

const folder = mkdtempSync(join(tmpdir(), 'sealpost-ledger-'));
try {
  const begun = performance.now();
  const [small, large] = [make(folder, SMALL), make(folder, LARGE)];
  console.log(
    `made in ${Math.round((performance.now() - begun) / 1000)} s; ${Math.round(statSync(large.path).size / 1e6)} MB`,
  );
  const [few, many] = [await measure(small), await measure(large)];
  const ms = (value: number): string => value.toPrecision(3).padStart(9);
  console.log(
    `median and 99th percentile, ms${' '.repeat(8)}${SMALL}${' '.repeat(15)}${LARGE}${' '.repeat(6)}ratio of medians`,
  );
  for (const [what, [median, late]] of few) {
    const [other, otherLate] = many.get(what) ?? [0, 0];
    console.log(
      `${what.padEnd(32)}${ms(median)}${ms(late)}  ${ms(other)}${ms(otherLate)}  ${(other / median).toFixed(1)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
