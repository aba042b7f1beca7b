import { isWord } from '../rule.ts';
import { reviewHost } from './host.ts';
import type { AccessTag } from './tag.ts';

export const tryTls: AccessTag = {
  name: 'Try_TLS',
  about: 'servers with whom STARTTLS is not used although they offer it (NO)',
  untagged: false,
  review(key, value) {
    const host = reviewHost(key);
    if (host !== undefined || isWord(value, 'NO') || isWord(value, 'OK') || isWord(value, 'YES')) return host;
    return {
      about: 'value',
      trap: 'try-tls-value',
      values: { value },
      text: `Try_TLS has no effect with the value ${value}`,
      hint: 'use NO, or OK where a parent domain says NO',
    };
  },
};
