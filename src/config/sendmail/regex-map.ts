/** The arguments of a map of Sendmail's type regex: `-s1,2 -d: -a@ CN=([^/]*)/email`. */
import { isPattern, type CertificatePart } from '../../relay/access/certificate-part.ts';

/** Character classes of POSIX; what stands between brackets here. */
const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  digit: '0-9',
  lower: 'a-z',
  space: '\\s',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** Undefined: it cannot be understood, or Sendmail would not start with it. */
export function readRegexMap(text: string): CertificatePart | undefined {
  let [groups, between, after, exactCase]: [number[], string, string, boolean] = [[], '', '', false];
  let rest = text.trim();
  for (;;) {
    const [whole, flag, value = ''] = /^-([A-Za-z])(\S*)(?:\s+|$)/.exec(rest) ?? [];
    if (whole === undefined) break;
    if (flag === 's' && /^\d+(?:,\d+)*$/.test(value)) groups = value.split(',').map(Number);
    else if (flag === 'd') between = value;
    else if (flag === 'a') after = value;
    else if (flag === 'f' && value === '') exactCase = true;
    else return undefined;
    rest = rest.slice(whole.length);
  }
  const pattern = rest.replaceAll(/\[:([a-z]+):\]/g, (found, name: string) => classes[name] ?? found);
  if (pattern === '' || groups.includes(0) || !isPattern(pattern, groups)) return undefined;
  return { pattern, groups, between, after, exactCase };
}
