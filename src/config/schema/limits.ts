/** What one client may use. */
import { z } from 'zod';
import type { Config } from '../schema.ts';
import { measure, duration, size, count } from './values.ts';

/** Limits of one role; what is left out is as in `limits`. */
const roleLimits = (role: string) => {
  const words = (what: string): string => `${what} on ${role} listeners; without it, as in \`limits\`.`;
  const whole = (what: string, example: number): z.ZodOptional<z.ZodInt> =>
    z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .meta({ description: words(what), examples: [example] });
  return z
    .strictObject({
      messageSize: measure('size', undefined, words('Largest message'), '1KB', '10GB', '50MB').optional(),
      recipients: whole('Recipients of one message', 1_000),
      messagesPerSession: whole('Messages in one session', 1_000),
      sessionTime: measure('duration', undefined, words('Longest session'), '1m', '7d', '1h').optional(),
      connectionsByAddress: whole('Connections at once from one address', 50),
    })
    .prefault({})
    .describe(`Other limits for listeners with the role ${role}.`);
};

export const limits: z.ZodType<Config['limits']> = z
  .strictObject({
    commandLine: size(
      '2KB',
      'Longest command line, with its end (RFC 5321 §4.5.3.1.4 asks for 512 and room for extensions).',
      '512B',
      '64KB',
    ),
    authLine: size('12KB', 'Longest line of an AUTH exchange (RFC 4954 §4 asks for 12,288).', '1KB', '64KB'),
    messageSize: size('50MB', 'Largest message, as EHLO announces it (SIZE, RFC 1870).', '1B', '10GB'),
    recipients: count(1_000, 'Recipients of one message (RFC 5321 §4.5.3.1.8: at least 100).', 1, 100_000),
    messagesPerSession: count(10_000, 'Messages in one session.', 1, 1_000_000),
    errors: count(20, 'Refused commands in one session before it is closed with 421.', 1, 10_000),
    idleCommands: count(100, 'Commands between two messages before the session is closed with 421.', 10, 100_000),
    buffer: size(
      '256KB',
      'What a client may send ahead while we think, before the session is closed with 421.',
      '4KB',
      '64MB',
    ),
    header: size('256KB', 'Longest header section of a message.', '1KB', '16MB'),
    hops: count(100, 'Received: lines before a message counts as looping (RFC 5321 §6.3: at least 100).', 10, 1_000),
    sessionTime: duration('2h', 'Longest session.', '1m', '7d'),
    handshakeTime: duration('30s', 'Longest TLS handshake.', '1s', '10m'),
    connections: count(5_000, 'Connections at once, in each front thread.', 1, 1_000_000),
    connectionsByAddress: count(
      50,
      'Connections at once from one address (IPv6: from one /64), over all threads.',
      1,
      1_000_000,
    ),
    drainTime: duration(
      '30s',
      'How long open sessions may finish their message after a stop was asked for.',
      '0',
      '1h',
    ),
    submission: roleLimits('submission'),
    relay: roleLimits('relay'),
  })
  .prefault({} as never)
  .describe('What one client may use.');
