import type { Extension } from './extension.ts';

/** RFC 3030 §3: content of any octets, by BDAT alone. Its value of BODY is read by 8bitmime.ts. */
export const binaryMime: Extension = { keyword: 'BINARYMIME', announce: () => '' };
