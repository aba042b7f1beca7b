/** Spool, threads, log and how commands reach the relay. */
import { z } from 'zod';
import type { Config } from '../schema.ts';
import { duration, size, path } from './values.ts';

export const spool: z.ZodType<Config['spool']> = z
  .strictObject({
    inlineContent: size(
      '64KB',
      'Content up to this size is kept in the database, larger content in a file of its own.',
      '0B',
      '1MB',
    ),
    history: duration('30d', 'How long the history of delivered mail is kept.', '0', '3650d'),
  })
  .prefault({} as never)
  .describe('Mail that waits, in the data directory.');

export const threads: z.ZodType<Config['threads']> = z
  .strictObject({
    fronts: z
      .union([z.literal('auto'), z.int().min(1).max(30)])
      .default('auto')
      .describe(
        'Threads that speak with clients. `auto`: one for each core but one, which is left to storage and delivery.',
      ),
  })
  .prefault({} as never)
  .describe('Threads.');

export const log: z.ZodType<Config['log']> = z
  .strictObject({
    destination: path.default('stderr').describe('`stderr`, or a file; SIGHUP opens it anew after rotation.'),
    format: z
      .enum(['auto', 'text', 'json', 'sendmail'])
      .default('auto')
      .describe(
        "`text` for people, `json` one object a line, `auto` text on a terminal and JSON elsewhere, `sendmail` the lines of Sendmail's syslog for programs that count them.",
      ),
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .default('info')
      .describe(
        'What is told: `debug` everything, `info` decisions and deliveries, `warn` refusals and failures, `error` trouble alone.',
      ),
  })
  .prefault({} as never)
  .describe('One line for each decision. No content of messages and no secret is ever in it.');

export const control: z.ZodType<Config['control']> = z
  .strictObject({
    socket: path
      .default('control.sock')
      .describe('Unix socket by which `sealpost` commands reach the running relay; only its user may open it.'),
  })
  .prefault({} as never)
  .describe('How commands reach the running relay.');
