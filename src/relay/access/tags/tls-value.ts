import { parseTlsRequirement } from '../tls-requirement.ts';
import { reviewHost } from './host.ts';
import type { LineReview } from './tag.ts';

/** Traps in the value of a line that demands TLS. OK frees a host from what is demanded of others, so it is none. */
export function reviewTlsValue(tag: string, value: string): LineReview | undefined {
  if (/^OK$/i.test(value)) return undefined;
  const requirement = parseTlsRequirement(value);
  const hint = 'write VERIFY, VERIFY:bits or ENCR:bits, with PERM+ or TEMP+ before it, or OK to demand nothing';
  if (requirement === undefined)
    return {
      about: 'value',
      trap: 'tls-value',
      values: { tag, value },
      text: `${tag} demands nothing with the value ${value}`,
      hint,
    };
  const unknown = requirement.extensions.find((one) => !/^(?:CN|(?:CN|CS|CI|CITag):.+)$/i.test(one));
  if (unknown === undefined) return undefined;
  return {
    about: 'value',
    trap: 'tls-extension',
    values: { extension: unknown },
    text: `${unknown} is no requirement that is known, and whatever stands behind it is not looked at`,
    hint: 'use CN, CN:name, CS:subject, CI:issuer or CITag:tag, with ++ between them',
  };
}

/** The same for tags whose key is a host. */
export function reviewTlsHost(tag: string, key: string, value: string): LineReview | undefined {
  return reviewHost(key) ?? reviewTlsValue(tag, value);
}
