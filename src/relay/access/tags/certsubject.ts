import { isWord } from '../rule.ts';
import { reviewName } from './distinguished-name.ts';
import type { AccessTag } from './tag.ts';

export const certSubject: AccessTag = {
  name: 'CERTSUBJECT',
  about: 'the holder with this subject may relay (RELAY), where the issuer has CERTISSUER with SUBJECT',
  untagged: false,
  review(key, value) {
    const name = reviewName('CERTSUBJECT', key, value);
    if (name !== undefined || isWord(value, 'RELAY')) return name;
    return {
      about: 'value',
      trap: 'subject-value',
      values: { value },
      text: `CERTSUBJECT has no effect with the value ${value}`,
      hint: 'use RELAY; to refuse one holder, leave the line out or revoke the certificate',
    };
  },
};
