/** Where the relay listens. */
import { z } from 'zod';
import type { ListenerSettings } from '../../relay/connection/connection.ts';
import type { Config } from '../schema.ts';
import { address } from './values.ts';

const listener = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'write a short name of letters, digits and dashes')
    .describe('Name in logs and in `sealpost status`; each listener has its own.')
    .meta({ examples: ['submission'] }),
  address: address
    .default('::')
    .describe(
      'Address to listen on. `::` is all of IPv6 and IPv4 (IPv4 alone where the machine has no IPv6), `0.0.0.0` all of IPv4.',
    ),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .describe('Port before `portOffset`; 0 takes any free port.')
    .meta({ examples: [587] }),
  role: z
    .enum(['submission', 'relay'])
    .default('submission')
    .describe(
      '`submission` takes mail from holders and completes it (Date, Message-ID); `relay` takes mail from other servers.',
    ),
  tls: z
    .enum(['none', 'starttls', 'implicit'])
    .default('starttls')
    .describe(
      '`starttls` begins in clear and offers STARTTLS, `implicit` speaks TLS from the first byte, `none` never does.',
    ),
  certificates: z
    .enum(['no', 'ask', 'require'])
    .default('ask')
    .describe(
      'Whether a client certificate is asked for. `require` refuses clients without a good one, with the reason, in SMTP.',
    ),
  auth: z
    .enum(['offer', 'no', 'require'])
    .default('offer')
    .describe(
      'Whether AUTH is offered, as `auth` has it. `require` takes mail from nobody who has not logged in by it, not even by a certificate alone. Srv_Features: of the access map may say otherwise for a client.',
    ),
});

const DEFAULT_LISTENERS = [
  { name: 'submission', address: '::', port: 587, role: 'submission', tls: 'starttls', certificates: 'ask' },
  { name: 'submissions', address: '::', port: 465, role: 'submission', tls: 'implicit', certificates: 'ask' },
  { name: 'relay', address: '::', port: 25, role: 'relay', tls: 'starttls', certificates: 'ask' },
] as const satisfies readonly ListenerSettings[];

export const listeners: z.ZodType<Config['listeners']> = z
  .array(listener)
  .min(1, 'write at least one listener')
  .superRefine((all, context) => {
    for (const [index, { name, address: at, port }] of all.entries()) {
      if (all.findIndex((other) => other.name === name) < index)
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: 'write a name that no other listener has',
        });
      if (port !== 0 && all.findIndex((other) => other.port === port && other.address === at) < index) {
        context.addIssue({
          code: 'custom',
          path: [index, 'port'],
          message: 'write a port that no other listener has on this address',
        });
      }
    }
  })
  .prefault(DEFAULT_LISTENERS.map((settings) => ({ ...settings })))
  .describe('Where the relay listens. A list given here replaces the whole default list.');
