import type { Extension } from './extension.ts';

/** RFC 1870: the size of a message is declared, and limited, before it is sent. */
export const size: Extension = {
  keyword: 'SIZE',
  announce: (facts) => String(facts.messageSize),
  mailOctets: 26,
  mail: [
    {
      keyword: 'SIZE',
      read(value, draft) {
        if (value === undefined || !/^[0-9]{1,20}$/.test(value)) return false;
        draft.size = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
        return true;
      },
      write: (parameters) => (parameters.size === undefined ? undefined : String(parameters.size)),
    },
  ],
};
