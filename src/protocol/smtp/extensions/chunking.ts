import type { Extension } from './extension.ts';

/** RFC 3030 §2: content by BDAT, in chunks of a known size. */
export const chunking: Extension = { keyword: 'CHUNKING', announce: () => '' };
