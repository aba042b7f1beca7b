/** What a value may look like. Each message says what to write, for `load.ts` puts what was written before it. */
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { Ms } from '../../base/clock.ts';
import { DURATION_PATTERN, SIZE_PATTERN, parseDuration, parseSize } from '../units.ts';

const HOSTNAME =
  /^(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;

/** A text that `parse` turns into a number within bounds; without `initial` the key may be left out. */
export const measure = (
  kind: 'duration' | 'size',
  initial: string | undefined,
  description: string,
  least: string,
  most: string,
  example?: string,
): z.ZodType<number> => {
  const parse = kind === 'duration' ? parseDuration : parseSize;
  const todo =
    kind === 'duration'
      ? `write a time from ${least} to ${most} with its unit, such as 30s, 5m, 4h or 2d`
      : `write a size from ${least} to ${most}, such as 64KB or 50MB`;
  const [lower, upper] = [parse(least) ?? 0, parse(most) ?? 0];
  const checked = z.unknown().transform((written, context): number => {
    const value = parse(String(written));
    if (value !== undefined && value >= lower && value <= upper) return value;
    context.addIssue(todo);
    return z.NEVER;
  });
  const pattern = kind === 'duration' ? DURATION_PATTERN : SIZE_PATTERN;
  const meta = { description, type: ['string', 'integer'], pattern, format: kind };
  return initial === undefined ? checked.meta({ ...meta, 'x-example': example }) : checked.prefault(initial).meta(meta);
};

export const duration = (initial: string, description: string, least: string, most: string): z.ZodType<Ms> =>
  measure('duration', initial, description, least, most);

export const size = (initial: string, description: string, least: string, most: string): z.ZodType<number> =>
  measure('size', initial, description, least, most);

export const count = (initial: number, description: string, least: number, most: number): z.ZodType<number> =>
  z.int().min(least).max(most).default(initial).describe(description);

export const flag = (initial: boolean, description: string): z.ZodType<boolean> =>
  z.boolean().default(initial).describe(description);

export const host: z.ZodString = z.string().regex(HOSTNAME, 'write a host name such as relay.example.net');
export const path: z.ZodString = z
  .string()
  .min(1, 'write a path')
  .refine((text) => !text.includes('\0'), 'write a path');
export const domain: z.ZodString = z.string().regex(/^\.?[^\s@/:]+\.?$/u, 'write a domain such as example.net');
/** Class w and class R also have addresses: `[192.0.2.1]`, `192.0.2`, `IPv6:2001:db8`. */
export const hostOrNetwork: z.ZodString = z
  .string()
  .regex(
    /^(?:\[?IPv6:[0-9A-Fa-f:.]+\]?|\.?[^\s@/:]+\.?)$/iu,
    'write a domain such as example.net, or leading octets such as 192.0.2 (no networks in CIDR form)',
  );
export const routeDomain: z.ZodString = z
  .string()
  .regex(/^(?:\*|\.?[^\s@/:*]+)$/u, 'write a domain (example.net), its subdomains (.example.net) or * for all');
export const network: z.ZodString = z
  .string()
  .refine(isNetwork, 'write a network in CIDR form such as 192.0.2.0/24 or 2001:db8::/32');
export const address: z.ZodString = z
  .string()
  .refine(isAddress, 'write an IP address such as 192.0.2.1, or :: for all');
export const hopAddress: z.ZodString = z
  .string()
  .regex(
    /^(?:\[[0-9A-Fa-f:.]+\]|(?:mx:)?(?:[A-Za-z0-9_.-]|%[01])+):\d{1,5}$/,
    'write host:port such as mx.example.net:25, [192.0.2.1]:2525 or mx:example.net:25',
  );
export const server: z.ZodString = z
  .string()
  .refine(
    (text) => isAddress(text) || /^(?:\[[0-9A-Fa-f:]+\]|[0-9.]+):\d{1,5}$/.test(text),
    'write the address of a name server, such as 127.0.0.1 or [::1]:53',
  );

function isAddress(text: string): boolean {
  return text.includes(':')
    ? ipaddr.IPv6.isValid(text) && !text.includes('/')
    : ipaddr.IPv4.isValidFourPartDecimal(text);
}

function isNetwork(text: string): boolean {
  return isAddress(text) || ipaddr.isValidCIDR(text);
}
