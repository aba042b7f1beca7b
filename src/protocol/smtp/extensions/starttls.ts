import type { Extension } from './extension.ts';

/** RFC 3207: TLS on a connection that began in clear. */
export const startTls: Extension = { keyword: 'STARTTLS', announce: (facts) => (facts.starttls ? '' : undefined) };
