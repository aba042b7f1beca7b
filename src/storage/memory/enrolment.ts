import type { Enrolment, EnrolmentStore } from '../../ca/enrolment.ts';

/** One-time tokens for tests: as lasting as the process. */
export function memoryEnrolments(): EnrolmentStore {
  const rows = new Map<string, { enrolment: Enrolment; readonly hash: string }>();
  const change = (id: string, over: Partial<Enrolment>): void => {
    const row = rows.get(id);
    if (row !== undefined) row.enrolment = { ...row.enrolment, ...over };
  };
  const usable = (id: string): Enrolment | undefined => {
    const enrolment = rows.get(id)?.enrolment;
    return enrolment?.usedAt === undefined && enrolment?.withdrawn === false ? enrolment : undefined;
  };
  return {
    add(enrolment, hash) {
      if (rows.has(enrolment.id) || [...rows.values()].some((row) => row.hash === hash))
        throw new Error(`there is a token ${enrolment.id} already`);
      rows.set(enrolment.id, { enrolment, hash });
    },
    byHash: (hash) => [...rows.values()].find((row) => row.hash === hash)?.enrolment,
    take(id, at) {
      if ((usable(id)?.expires ?? 0) <= at) return false;
      change(id, { usedAt: at });
      return true;
    },
    giveBack(id) {
      if (rows.get(id)?.enrolment.serial === undefined) change(id, { usedAt: undefined });
    },
    usedFor: (id, serial) => change(id, { serial }),
    withdraw(id) {
      if (usable(id) === undefined) return false;
      change(id, { withdrawn: true });
      return true;
    },
    list: (limit) =>
      [...rows.values()]
        .map(({ enrolment }) => enrolment)
        .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
        .slice(0, limit),
    forget(before) {
      for (const [id, { enrolment }] of rows) if (enrolment.expires < before) rows.delete(id);
    },
    close() {},
  };
}
