import { isWord } from '../rule.ts';
import type { AccessTag } from './tag.ts';

export const certCn: AccessTag = {
  name: 'CERTCN',
  about: 'holders of a verified certificate with this common name may relay (RELAY), with the feature cert_cn_relays',
  untagged: false,
  review(_, value) {
    if (isWord(value, 'RELAY')) return undefined;
    return {
      about: 'value',
      text: `CERTCN has no effect with the value ${value}`,
      hint: 'use RELAY',
    };
  },
};
