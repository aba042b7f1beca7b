import type { Extension } from './extension.ts';

/** RFC 5321 §3.5.2: EXPN is named where it tells something. */
export const expn: Extension = { keyword: 'EXPN', announce: (facts) => (facts.expn ? '' : undefined) };
