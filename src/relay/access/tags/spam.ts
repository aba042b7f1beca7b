import { isWord } from '../rule.ts';
import type { AccessTag } from './tag.ts';

export const spam: AccessTag = {
  name: 'Spam',
  about: 'recipients who want mail without the delayed checks (FRIEND), or are the only ones to want them (HATER)',
  untagged: false,
  review(_, value) {
    if (isWord(value, 'FRIEND') || isWord(value, 'HATER')) return undefined;
    return {
      about: 'value',
      trap: 'spam-value',
      values: { value },
      text: `Spam has no effect with the value ${value}`,
      hint: 'use FRIEND or HATER',
    };
  },
};
