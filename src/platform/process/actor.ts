import { userInfo } from 'node:os';

/** Who runs this process, for the issuance log: `cli:USER`, or `cli:uid-N` for a user without a name. */
export function systemActor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return `cli:uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
