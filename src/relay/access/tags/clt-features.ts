import type { AccessTag } from './tag.ts';

/** Sendmail asks it, by the name of the client whose mail it delivers, for two letters: D (DANE) and M (MTA-STS). */
export const cltFeatures: AccessTag = {
  name: 'Clt_Features',
  about: 'understood and without effect: its letters (D, M) switch DANE and MTA-STS, which are not used',
  untagged: false,
  review: (_, value) => ({
    about: 'value',
    text: `Clt_Features has no effect with the value ${value}`,
    hint: 'remove the line; D and M switch DANE and MTA-STS, which are not used here',
  }),
};
