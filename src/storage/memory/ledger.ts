import type { Ms } from '../../base/clock.ts';
import { Fault } from '../../base/fault.ts';
import { statuses } from '../../base/status.ts';
import { chain, type AuditEntry, type AuditNote } from '../../ca/audit.ts';
import type {
  Account,
  AuditFilter,
  Ledger,
  LedgerCounts,
  LedgerFilter,
  LedgerRecord,
  Replacement,
  Reservation,
  RevocationReason,
  Withdrawn,
} from '../../ca/ledger.ts';

/** A ledger for tests and simulations: as lasting as the process. */
export function memoryLedger(): Ledger {
  return new MemoryLedger();
}

interface Row {
  readonly record: LedgerRecord;
  readonly changed: number;
  readonly brought: AuditEntry;
  readonly withdrawn: AuditEntry | undefined;
}

class MemoryLedger implements Ledger {
  readonly #rows = new Map<string, Row>();
  readonly #reservations = new Map<string, Reservation & { readonly abandonedAt?: Ms }>();
  readonly #log: AuditEntry[] = [];
  #version = 0;
  #crl = 0;

  get(serial: string): LedgerRecord | undefined {
    return this.#rows.get(serial)?.record;
  }

  find(filter: LedgerFilter): LedgerRecord[] {
    const order = filter.order === 'ending' ? byEnd : byIssue;
    const { after, limit } = filter;
    return this.#records()
      .filter((record) => matches(record, filter) && (after === undefined || order(record, after) > 0))
      .toSorted(order)
      .slice(0, limit);
  }

  count(filter: LedgerFilter): number {
    return this.#records().filter((record) => matches(record, filter)).length;
  }

  counts(now: Ms): LedgerCounts {
    const records = this.#records();
    const current = (state: string): number => records.filter((r) => r.state === state && r.notAfter > now).length;
    const revoked = records.filter(({ state }) => state === 'revoked').length;
    const [active, suspended] = [current('active'), current('suspended')];
    const abandoned = [...this.#reservations.values()].filter(({ abandonedAt }) => abandonedAt !== undefined).length;
    return {
      active,
      suspended,
      revoked,
      ended: records.length - revoked - active - suspended,
      pending: this.#reservations.size - abandoned,
      abandoned,
    };
  }

  holdersNear(name: string, limit: number): string[] {
    const holders = [...new Set(this.#records().map(({ holder }) => holder))].toSorted(byText);
    const before = holders.filter((holder) => holder < name).slice(-limit);
    return [...before, ...holders.filter((holder) => holder >= name).slice(0, limit)];
  }

  withdrawn(endsAfter: Ms): Withdrawn[] {
    const given: Withdrawn[] = [];
    for (const { serial, state, revokedAt, reason, notAfter } of this.#records())
      if (state === 'revoked' && notAfter > endsAfter)
        given.push({ serial, at: revokedAt ?? 0, reason: reason ?? 'unspecified' });
    for (const [serial, { abandonedAt, notAfter }] of this.#reservations)
      if (abandonedAt !== undefined && notAfter > endsAfter)
        given.push({ serial, at: abandonedAt, reason: 'unspecified' });
    return given;
  }

  withdrawal(serial: string): Withdrawn | undefined {
    return this.withdrawn(-Infinity).find((entry) => entry.serial === serial);
  }

  reserve(serial: string, wish: Reservation, note: AuditNote): void {
    this.#mustBeNew(serial);
    if (this.#reservations.has(serial)) throw taken(serial);
    this.#reservations.set(serial, wish);
    this.appendAudit({ ...note, holder: wish.holder, serial }, wish.at);
  }

  release(serial: string, note: AuditNote, at: Ms): void {
    if (this.#reservations.get(serial)?.abandonedAt === undefined) this.#reservations.delete(serial);
    this.appendAudit({ ...note, serial }, at);
  }

  abandon(before: Ms, at: Ms, by: string): string[] {
    const given: string[] = [];
    for (const [serial, wish] of this.#reservations) {
      if (wish.abandonedAt !== undefined || wish.at >= before) continue;
      this.#reservations.set(serial, { ...wish, abandonedAt: at });
      this.appendAudit({ action: 'abandoned', by, holder: wish.holder, serial, detail: ABANDONED }, at);
      given.push(serial);
    }
    return given;
  }

  add(record: LedgerRecord, note: AuditNote, replaces?: Replacement): void {
    const { serial, holder, fingerprint, issuedAt } = record;
    this.#mustBeNew(serial);
    if (this.#reservations.get(serial)?.abandonedAt !== undefined) throw givenUp(serial);
    this.#reservations.delete(serial);
    const brought = this.appendAudit({ ...note, holder, serial, fingerprint }, issuedAt);
    const withdrawn = record.state === 'revoked' ? brought : undefined;
    this.#rows.set(serial, { record, changed: ++this.#version, brought, withdrawn });
    for (const old of replaces?.serials ?? []) {
      const row = this.#rows.get(old);
      if (row === undefined || replaces === undefined) continue;
      const { overlapEnds } = replaces;
      this.#rows.set(old, {
        ...row,
        record: { ...row.record, replacedBy: serial, overlapEnds },
        changed: ++this.#version,
      });
    }
  }

  revoke(serials: readonly string[], reason: RevocationReason, at: Ms, note: AuditNote): LedgerRecord[] {
    const changed: LedgerRecord[] = [];
    for (const serial of new Set(serials)) {
      const row = this.#rows.get(serial);
      if (row === undefined || row.record.state === 'revoked') continue;
      const record: LedgerRecord = { ...row.record, state: 'revoked', revokedAt: at, reason };
      const withdrawn = this.appendAudit({ ...note, holder: record.holder, serial }, at);
      this.#rows.set(serial, { ...row, record, withdrawn, changed: ++this.#version });
      changed.push(record);
    }
    return changed.toSorted(byIssue);
  }

  nextCrlNumber(): number {
    return ++this.#crl;
  }

  raiseCrlNumber(number: number): void {
    this.#crl = Math.max(this.#crl, number);
  }

  version(): number {
    return this.#version;
  }

  changedSince(version: number, limit: number): { readonly version: number; readonly records: LedgerRecord[] } {
    const rows = [...this.#rows.values()]
      .filter(({ changed }) => changed > version)
      .toSorted((a, b) => a.changed - b.changed)
      .slice(0, limit);
    return { version: rows.at(-1)?.changed ?? this.#version, records: rows.map(({ record }) => record) };
  }

  appendAudit(note: AuditNote, at: Ms): AuditEntry {
    const entry = chain(this.#log.at(-1), note, at);
    this.#log.push(entry);
    return entry;
  }

  audit(after: number, limit: number): AuditEntry[] {
    return this.#log.slice(Math.max(0, after)).slice(0, limit);
  }

  auditTail(limit: number, { holder, since = 0 }: AuditFilter = {}): AuditEntry[] {
    return this.#log
      .filter((entry) => (holder === undefined || entry.holder === holder) && entry.at >= since)
      .slice(-limit);
  }

  auditHead(): AuditEntry | undefined {
    return this.#log.at(-1);
  }

  auditCount(): number {
    return this.#log.length;
  }

  accounts(after: string, limit: number): Account[] {
    return [...this.#rows.values()]
      .filter(({ record }) => record.serial > after)
      .toSorted((a, b) => byText(a.record.serial, b.record.serial))
      .slice(0, limit)
      .map(({ record, brought, withdrawn }) => ({ record, brought, withdrawn }));
  }

  close(): void {}

  #records(): LedgerRecord[] {
    return [...this.#rows.values()].map(({ record }) => record);
  }

  #mustBeNew(serial: string): void {
    if (this.#rows.has(serial)) throw taken(serial);
  }
}

const ABANDONED = 'the signing did not end; the serial number is withdrawn';

function taken(serial: string): Fault {
  return new Fault(statuses['local-error'], `the ledger has serial number ${serial} already`);
}

function givenUp(serial: string): Fault {
  return new Fault(statuses['local-error'], `serial number ${serial} was given up and is withdrawn`);
}

function matches(record: LedgerRecord, filter: LedgerFilter): boolean {
  const { holder, serial, serialBegins, state, endsAfter, endsBefore, overlapEndsBefore, current } = filter;
  return (
    (holder === undefined || holder === record.holder) &&
    (serial === undefined || serial === record.serial) &&
    (serialBegins === undefined || record.serial.startsWith(serialBegins)) &&
    (state === undefined || (typeof state === 'string' ? state === record.state : state.includes(record.state))) &&
    (endsAfter === undefined || record.notAfter > endsAfter) &&
    (endsBefore === undefined || record.notAfter < endsBefore) &&
    (current === undefined || record.replacedBy === undefined) &&
    (overlapEndsBefore === undefined || isOverlapOver(record, overlapEndsBefore))
  );
}

function isOverlapOver({ state, overlapEnds, notAfter }: LedgerRecord, before: Ms): boolean {
  return state !== 'revoked' && overlapEnds !== undefined && overlapEnds < before && overlapEnds < notAfter;
}

type Position = Pick<LedgerRecord, 'issuedAt' | 'notAfter' | 'serial'>;

function byIssue(a: Position, b: Position): number {
  return a.issuedAt - b.issuedAt || byText(a.serial, b.serial);
}

function byEnd(a: Position, b: Position): number {
  return a.notAfter - b.notAfter || byText(a.serial, b.serial);
}

function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
