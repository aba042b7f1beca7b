import type { Extension } from './extension.ts';

/** RFC 2034: replies carry the codes of RFC 3463. */
export const enhancedStatusCodes: Extension = { keyword: 'ENHANCEDSTATUSCODES', announce: () => '' };
