import type { LoginNeed, PasswordRecord, PasswordStore } from '../../relay/credential/store.ts';

/** Passwords for tests: as lasting as the process. */
export function memoryPasswords(): PasswordStore {
  const records = new Map<string, PasswordRecord>();
  const needs = new Map<string, LoginNeed>();
  const secret = new Uint8Array(32).fill(7);
  const isUsable = (record: PasswordRecord | undefined, now: number): record is PasswordRecord =>
    record !== undefined && record.withdrawnAt === undefined && (record.expires ?? Number.POSITIVE_INFINITY) > now;
  const ordered = (): PasswordRecord[] =>
    [...records.values()].toSorted(
      (a, b) => compare(a.holder, b.holder) || a.createdAt - b.createdAt || compare(a.id, b.id),
    );
  return {
    inUse: (now) => ordered().some((record) => isUsable(record, now)),
    usable: (holder, now) =>
      ordered()
        .filter((record) => record.holder === holder && isUsable(record, now))
        .toSorted((a, b) => b.createdAt - a.createdAt),
    isUsable: (id, now) => isUsable(records.get(id), now),
    need: (holder) => needs.get(holder) ?? 'any',
    secret: () => secret,
    add(record) {
      if (records.has(record.id)) throw new Error(`there is a password ${record.id} already`);
      records.set(record.id, record);
    },
    list: ({ holder, limit }) =>
      ordered()
        .filter((record) => holder === undefined || record.holder === holder)
        .slice(0, limit),
    get: (id) => records.get(id),
    withdraw(id, at) {
      const record = records.get(id);
      if (record === undefined || record.withdrawnAt !== undefined) return false;
      records.set(id, { ...record, withdrawnAt: at });
      return true;
    },
    used(id, at) {
      const record = records.get(id);
      if (record !== undefined) records.set(id, { ...record, usedAt: at });
    },
    setNeed: (holder, need) => void needs.set(holder, need),
    close() {},
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
