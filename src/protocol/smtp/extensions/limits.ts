import type { Extension } from './extension.ts';

/** A limit is a number of one to six digits and not 0 (RFC 9422 §4). */
const LARGEST = 999_999;

/** RFC 9422: how many messages a session and how many recipients a message may have. */
export const limits: Extension = {
  keyword: 'LIMITS',
  announce(facts) {
    const told: string[] = [];
    if (isTellable(facts.recipients)) told.push(`RCPTMAX=${facts.recipients}`);
    if (isTellable(facts.messages)) told.push(`MAILMAX=${facts.messages}`);
    return told.length === 0 ? undefined : told.join(' ');
  },
};

function isTellable(limit: number): boolean {
  return Number.isInteger(limit) && limit > 0 && limit <= LARGEST;
}
