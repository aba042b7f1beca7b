import type { Extension } from './extension.ts';

/** RFC 2920: commands may come without waiting for replies. */
export const pipelining: Extension = { keyword: 'PIPELINING', announce: () => '' };
