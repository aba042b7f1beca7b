import type { Extension } from './extension.ts';

/** RFC 6531: addresses and headers in UTF-8. The path itself is judged in command.ts, which reads this first. */
export const smtpUtf8: Extension = {
  keyword: 'SMTPUTF8',
  announce: () => '',
  mailOctets: 10,
  mail: [
    {
      keyword: 'SMTPUTF8',
      read(value, draft) {
        draft.smtputf8 = true;
        return value === undefined;
      },
      write: (parameters) => (parameters.smtputf8 ? '' : undefined),
    },
  ],
};
