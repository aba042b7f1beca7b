import { MAX_KEY, type LineReview } from './tag.ts';

/** Traps in the name of a CERTISSUER or CERTSUBJECT line. */
export function reviewName(tag: string, key: string, value: string): LineReview | undefined {
  if (!key.startsWith('/'))
    return {
      about: 'key',
      trap: 'no-name',
      values: { tag },
      text: `${tag} is followed by no name`,
      hint: `write the whole name, such as ${tag}:/C=JP/O=Example/CN=ca`,
    };
  if (/\/Email=/i.test(key))
    return {
      about: 'key',
      trap: 'email-attribute',
      text: 'names no longer have /Email=',
      hint: 'write /emailAddress=',
    };
  if (/\s(RELAY|SUBJECT)$/i.test(value)) {
    return {
      about: 'value',
      trap: 'blank-in-name',
      text: 'the name ends at its first blank',
      hint: 'write +20 for a blank in a name',
    };
  }
  const unencoded = /[()"<>\\]|[^\u0021-\u007e]/u.exec(key)?.[0];
  if (unencoded !== undefined) {
    const octets = [...Buffer.from(unencoded)].map(
      (octet) => (octet > 0x7e || octet < 0x20 ? '+5Cx' : '+') + octet.toString(16).toUpperCase().padStart(2, '0'),
    );
    return {
      about: 'key',
      trap: 'unencoded',
      values: { character: unencoded, encoded: octets.join('') },
      text: `no encoded name has ${unencoded}`,
      hint: `write ${octets.join('')}`,
    };
  }
  if (/\+(?![0-9a-f]{2})/i.test(key)) {
    return {
      about: 'key',
      trap: 'bare-plus',
      text: 'a plus sign that starts no +HH is in no encoded name',
      hint: 'write +5C+2B for a plus sign in a value, +2B between the parts of an RDN',
    };
  }
  if (tag.length + 1 + key.length > MAX_KEY) {
    return {
      about: 'key',
      trap: 'key-too-long',
      values: { most: MAX_KEY },
      text: `only the first ${MAX_KEY} octets of a key are looked up, and this one is longer`,
      hint: `cut it after ${MAX_KEY} octets; every name with the same beginning will match then`,
    };
  }
  return undefined;
}
