import type { LineReview } from './tag.ts';

/** Traps in a host, domain or network. */
export function reviewHost(key: string): LineReview | undefined {
  if (!/^[\d[]|:/.test(key)) return undefined;
  const hint =
    'write leading octets without a dot at the end, such as 192.0.2; other networks go into the configuration';
  if (/^\[?[\d.]+\/\d+/.test(key) || /^ipv6:.*\/\d+$/i.test(key))
    return { about: 'key', trap: 'cidr', text: 'the access map has no networks in CIDR form', hint };
  if (/^[\d.]+\.$/.test(key))
    return { about: 'key', trap: 'trailing-dot', text: 'a network does not end in a dot', hint };
  if (/^(\d+\.){1,3}\d*$/.test(key) && key.endsWith('.0'))
    return {
      about: 'key',
      trap: 'trailing-zero',
      text: 'zeros at the end stand for themselves, not for any octet',
      hint,
    };
  if (/^\[?ipv6:.*::/i.test(key)) {
    return {
      about: 'key',
      trap: 'ipv6-compressed',
      text: 'IPv6 addresses are looked up uncompressed',
      hint: 'write all zeros, such as IPv6:2001:db8:0:0:0:0:0:1, or the leading parts of it',
    };
  }
  if (/^\[?[0-9a-f]{1,4}:[0-9a-f:]+\]?$/i.test(key))
    return {
      about: 'key',
      trap: 'ipv6-untagged',
      values: { address: key },
      text: 'an IPv6 address has IPv6: before it',
      hint: `write IPv6:${key}`,
    };
  return undefined;
}
