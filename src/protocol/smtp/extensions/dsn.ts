import type { Notify } from '../server-event.ts';
import { decodeXtext, encodeXtext } from '../xtext.ts';
import type { Extension } from './extension.ts';

/** Characters of ENVID and ORCPT, as they are encoded (RFC 3461 §4.2, §4.4). */
const ENVID_LENGTH = 100;
const ORCPT_LENGTH = 500;

/** RFC 3461: which reports the client wants, and what they are to carry. */
export const dsn: Extension = {
  keyword: 'DSN',
  announce: () => '',
  mailOctets: ' RET=FULL ENVID='.length + ENVID_LENGTH,
  recipientOctets: ' NOTIFY=SUCCESS,FAILURE,DELAY ORCPT='.length + ORCPT_LENGTH,
  mail: [
    {
      keyword: 'RET',
      read(value, draft) {
        const ret = value?.toUpperCase();
        if (ret !== 'FULL' && ret !== 'HDRS') return false;
        draft.ret = ret;
        return true;
      },
      write: (parameters) => parameters.ret,
    },
    {
      keyword: 'ENVID',
      read(value, draft) {
        if (value === undefined || value.length === 0 || value.length > ENVID_LENGTH) return false;
        draft.envid = decodeXtext(value);
        return draft.envid !== undefined;
      },
      write: (parameters) => (parameters.envid === undefined ? undefined : encodeXtext(parameters.envid)),
    },
  ],
  recipient: [
    {
      keyword: 'NOTIFY',
      read(value, draft) {
        draft.notify = value === undefined ? undefined : parseNotify(value);
        return draft.notify !== undefined;
      },
      write: ({ notify }) =>
        notify === undefined ? undefined : notify === 'never' ? 'NEVER' : notify.join(',').toUpperCase(),
    },
    {
      keyword: 'ORCPT',
      read(value, draft) {
        if (value === undefined || !isOriginalRecipient(value)) return false;
        draft.orcpt = value;
        return true;
      },
      write: (parameters) => parameters.orcpt,
    },
  ],
};

/** NEVER stands alone; the others each once, in any order (RFC 3461 §4.1). */
function parseNotify(value: string): Notify | undefined {
  const words = value.toLowerCase().split(',');
  if (words.length === 1 && words[0] === 'never') return 'never';
  const events: ('success' | 'failure' | 'delay')[] = [];
  for (const word of words) {
    if ((word !== 'success' && word !== 'failure' && word !== 'delay') || events.includes(word)) return undefined;
    events.push(word);
  }
  return events;
}

/** `type;address`: xtext, or for the type `utf-8` also UTF-8 as it is (RFC 6533 §3). */
function isOriginalRecipient(value: string): boolean {
  if (value.length > ORCPT_LENGTH) return false;
  const match = /^([A-Za-z0-9][A-Za-z0-9-]*);(.+)$/.exec(value);
  if (match === null) return false;
  return match[1]!.toLowerCase() === 'utf-8'
    ? /^[!-<>-~\u00a0-\uffff]+$/.test(match[2]!)
    : decodeXtext(match[2]!) !== undefined;
}
