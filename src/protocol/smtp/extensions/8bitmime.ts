import type { Extension } from './extension.ts';

/** RFC 6152: content with octets above 127. Its parameter BODY also takes the value that RFC 3030 §3 adds. */
export const eightBitMime: Extension = {
  keyword: '8BITMIME',
  announce: () => '',
  mailOctets: ' BODY=BINARYMIME'.length,
  mail: [
    {
      keyword: 'BODY',
      read(value, draft) {
        const body = value?.toUpperCase();
        if (body !== '7BIT' && body !== '8BITMIME' && body !== 'BINARYMIME') return false;
        draft.body = body;
        return true;
      },
      write: (parameters) => (parameters.body === '7BIT' ? undefined : parameters.body),
    },
  ],
};
