/** The legal moves of an SMTP session (RFC 5321 §4.1.4): what each verb may do where. */
import type { StatusKey } from '../../base/status.ts';
import type { Verb } from './command.ts';
import type { ServerManner } from './server-manner.ts';

/**
 * Where the session stands. `start`: nothing is known of the client. `ready`: it said hello. `mail`, `recipients`: a
 * transaction is open. `chunks`: some of its content came by BDAT. `failed`: a chunk was refused, and the transaction
 * can only be given up (RFC 3030 §2).
 */
export type Position = 'start' | 'ready' | 'mail' | 'recipients' | 'chunks' | 'failed';

/** `go`, or the status that a verb is refused with. */
type Move = 'go' | StatusKey;

// oxfmt-ignore
const moves: Readonly<Record<Verb, Readonly<Record<Position, Move>>>> = {
  //             start         ready                    mail                       recipients                 chunks                     failed
  HELO:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  EHLO:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  MAIL:     row('need-hello', 'go',                    'nested-mail',             'nested-mail',             'nested-mail',             'nested-mail'),
  RCPT:     row('need-hello', 'need-mail-before-rcpt', 'go',                      'go',                      'rcpt-after-bdat',         'rcpt-after-bdat'),
  DATA:     row('need-hello', 'need-mail',             'need-rcpt',               'go',                      'mixed-data-bdat',         'mixed-data-bdat'),
  BDAT:     row('need-hello', 'need-mail',             'need-rcpt',               'go',                      'go',                      'go'),
  STARTTLS: row('go',         'go',                    'starttls-in-transaction', 'starttls-in-transaction', 'starttls-in-transaction', 'starttls-in-transaction'),
  AUTH:     row('need-hello', 'go',                    'auth-in-transaction',     'auth-in-transaction',     'auth-in-transaction',     'auth-in-transaction'),
  RSET:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  NOOP:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  VRFY:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  EXPN:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  HELP:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
  QUIT:     row('go',         'go',                    'go',                      'go',                      'go',                      'go'),
};

/** Whether a verb may come now. Sendmail wants no hello of anybody, unless it is told to, and then for these verbs alone. */
export function moveOf(verb: Verb, position: Position, { dialect, needsHello }: ServerManner): Move {
  if (position !== 'start' || dialect === 'sealpost') return moves[verb][position];
  if (verb === 'MAIL') return needsHello.mail ? 'need-hello' : 'go';
  if (verb === 'VRFY') return needsHello.vrfy ? 'introduce-yourself' : 'go';
  if (verb === 'EXPN') return needsHello.expn ? 'introduce-yourself' : 'go';
  return moves[verb].ready;
}

/** The verbs that are left to a peer whose greeting was a refusal (RFC 5321 §3.1). */
const harmless: ReadonlySet<Verb> = new Set<Verb>(['HELO', 'EHLO', 'RSET', 'NOOP', 'HELP', 'QUIT']);

/** Whether a refused peer may still have this verb. */
export function isHarmless(verb: Verb, { dialect }: ServerManner): boolean {
  return harmless.has(verb) && (dialect === 'sealpost' || verb !== 'HELP');
}

function row(
  start: Move,
  ready: Move,
  mail: Move,
  recipients: Move,
  chunks: Move,
  failed: Move,
): Readonly<Record<Position, Move>> {
  return { start, ready, mail, recipients, chunks, failed };
}
