import { decodeXtext, encodeXtext } from '../xtext.ts';
import type { Extension } from './extension.ts';

/** RFC 4954: the client says who it is. The mechanisms are the session's; AUTH= of MAIL is read and passed on as a claim. */
export const auth: Extension = {
  keyword: 'AUTH',
  announce: (facts) => (facts.auth.length === 0 ? undefined : facts.auth.join(' ')),
  mailOctets: 500,
  mail: [
    {
      keyword: 'AUTH',
      read(value, draft) {
        draft.auth = value === undefined ? undefined : decodeXtext(value);
        return draft.auth !== undefined && draft.auth !== '';
      },
      // `<>` is what xtext leaves as it is
      write: (parameters) => (parameters.auth === undefined ? undefined : encodeXtext(parameters.auth)),
    },
  ],
};
