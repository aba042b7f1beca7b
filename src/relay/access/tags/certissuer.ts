import { isWord } from '../rule.ts';
import { reviewName } from './distinguished-name.ts';
import type { AccessTag } from './tag.ts';

export const certIssuer: AccessTag = {
  name: 'CERTISSUER',
  about:
    'holders of a verified certificate with this direct issuer may relay (RELAY), or may if their subject may (SUBJECT)',
  untagged: false,
  review(key, value) {
    const name = reviewName('CERTISSUER', key, value);
    if (name !== undefined || isWord(value, 'RELAY') || isWord(value, 'SUBJECT')) return name;
    return {
      about: 'value',
      trap: 'issuer-value',
      values: { value },
      text: `CERTISSUER has no effect with the value ${value}`,
      hint: 'use RELAY or SUBJECT; a CA is refused by not trusting it',
    };
  },
};
