import { reviewHost } from './host.ts';
import type { AccessTag } from './tag.ts';

/** Sendmail's letters. `verbose`, `etrn`: we have neither. `security`: passwords are never taken in clear anyway. */
const letters = {
  a: 'auth',
  b: 'verbose',
  c: 'security',
  d: 'dsn',
  e: 'etrn',
  l: 'authRequired',
  p: 'pipelining',
  s: 'starttls',
  v: 'askCertificate',
  x: 'expn',
} as const;

export type ServerFeature = (typeof letters)[keyof typeof letters];

/** What a letter, small or capital, switches. */
export function featureOf(letter: string): ServerFeature | undefined {
  const small = letter.toLowerCase();
  return Object.hasOwn(letters, small) ? letters[small as keyof typeof letters] : undefined;
}

export const srvFeatures: AccessTag = {
  name: 'Srv_Features',
  about:
    'what clients are offered, by letters with blanks between them: small is on, capital is off (a AUTH, d DSN, l AUTH required, p PIPELINING, s STARTTLS, v asking for a certificate, x EXPN)',
  untagged: false,
  review(key, value) {
    const host = reviewHost(key);
    if (host !== undefined) return host;
    const words = value.split(/\s+/);
    const long = words.find((word) => word.length > 1);
    if (long !== undefined)
      return {
        about: 'value',
        trap: 'srv-features-run-on',
        values: { word: long },
        text: `of ${long} only the first letter counts`,
        hint: `put blanks between the letters: ${long.split('').join(' ')}`,
      };
    const unknown = words.find((word) => featureOf(word) === undefined);
    if (unknown === undefined) return undefined;
    return {
      about: 'value',
      trap: 'srv-features-letter',
      values: { letter: unknown },
      text: `Srv_Features has no letter ${unknown}`,
      hint: 'use a d l p s v x for on and A D L P S V X for off',
    };
  },
};
