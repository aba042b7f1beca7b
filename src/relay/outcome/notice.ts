import { concat, hex, type Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { queueId, type Id } from '../../base/id.ts';
import type { Random } from '../../base/random.ts';
import {
  writeReport,
  type ReportAction,
  type ReportedMessage,
  type ReportRecipient,
} from '../../protocol/dsn/report.ts';
import { fieldText, findField, findHeaderEnd, splitHeader } from '../../protocol/mime/header.ts';
import type { ContentStore, Due, NewEntry } from '../spool/spool.ts';
import { enhancedOf, remoteText, type Conclusion } from './conclude.ts';

/** What notices are made with. */
export interface NoticeDeps {
  readonly mint: () => Id;
  /** Route key and lane of a domain, as the intake finds them. */
  readonly route: (domain: string) => { readonly dest: string; readonly lane: number };
  /** Our name. */
  readonly hostname: () => string;
  readonly random: Random;
  /** Minutes ahead of UTC at a moment, for dates. */
  readonly offsetMinutes: (at: Ms) => number;
  /** Octets of a message, or of its header, that a notice returns at most. */
  readonly returnLimit: number;
}

/** One recipient that a notice is about. */
export interface Told {
  readonly row: Due;
  readonly conclusion: Conclusion;
}

/** A notice ready to be accepted. */
export interface Notice {
  readonly entry: NewEntry;
  readonly about: Id;
  readonly to: string;
  readonly action: ReportAction;
}

const NOTHING: ReportedMessage = { kind: 'header', pieces: [], eightBit: false };

/** The part of a content that a notice returns. `bytes` is undefined when the content is gone. */
export function returned(bytes: Uint8Array | undefined, full: boolean, limit: number): ReportedMessage {
  if (bytes === undefined) return NOTHING;
  if (full) return { kind: 'full', pieces: [bytes], eightBit: hasHighOctet(bytes) };
  let end = findHeaderEnd(bytes)?.end ?? bytes.length;
  if (end > limit) {
    const lastLine = Buffer.from(bytes.buffer, bytes.byteOffset, limit).lastIndexOf('\r\n', limit, 'latin1');
    end = lastLine < 0 ? 0 : lastLine + 2;
  }
  const header = bytes.subarray(0, end);
  return { kind: 'header', pieces: [header], eightBit: hasHighOctet(header) };
}

/** Reads a stored content as far as a notice needs it: whole, or to the end of its header, and never past `limit`. */
export async function readReturned(
  store: Pick<ContentStore, 'read'>,
  ref: string,
  full: boolean,
  limit: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of store.read(ref)) {
    // An end of header that lies across two pieces is found when more has come, or by the limit.
    pieces.push(piece);
    size += piece.length;
    if (size >= limit || (!full && findHeaderEnd(piece) !== undefined)) break;
  }
  return concat(pieces);
}

/** The DSN about recipients of one entry with one action; undefined when its reverse-path has no domain to route to. */
export function makeNotice(
  deps: NoticeDeps,
  told: readonly Told[],
  action: ReportAction,
  original: ReportedMessage,
  expiry: Ms,
  now: Ms,
): Notice | undefined {
  const { entry: about, envelope, at } = (told[0] as Told).row;
  const to = envelope.reversePath;
  const domain = to.slice(to.lastIndexOf('@') + 1).toLowerCase();
  if (domain === '' || !to.includes('@')) return undefined;
  const id = deps.mint();
  const hostname = deps.hostname();
  const messageId = `<${queueId(id)}@${hostname}>`;
  const report = writeReport({
    hostname,
    to,
    messageId,
    date: now,
    offsetMinutes: deps.offsetMinutes(now),
    boundary: `dsn-${hex(deps.random.bytes(16))}`,
    envid: envelope.envid,
    arrival: at,
    about: messageIdOf(original),
    smtputf8: envelope.smtputf8,
    recipients: told.map(({ row, conclusion }) => reportRecipient(row, conclusion, action, now, at + expiry)),
    original,
  });
  const { dest, lane } = deps.route(domain);
  const bytes: Bytes = concat(report.pieces);
  const entry: NewEntry = {
    id,
    at: now,
    // RFC 3461 §6.1: from the null reverse-path, and no notice about a notice.
    envelope: { reversePath: '', body: report.body, smtputf8: report.smtputf8, ret: undefined, envid: undefined },
    origin: { holder: undefined, serial: undefined },
    messageId,
    peer: 'local',
    size: bytes.length,
    content: { kind: 'inline', bytes },
    deliveries: [{ id: deps.mint(), lane, dest, recipient: to, notify: 'never', orcpt: undefined, due: now }],
  };
  return { entry, about, to, action };
}

function reportRecipient(
  row: Due,
  { outcome, because }: Conclusion,
  action: ReportAction,
  now: Ms,
  willRetryUntil: Ms,
): ReportRecipient {
  const isExpired = outcome.kind === 'expired';
  return {
    address: row.recipient,
    orcpt: row.orcpt,
    action,
    status: enhancedOf(outcome),
    remoteMta: outcome.remote === undefined ? undefined : outcome.hop?.host,
    diagnostic: outcome.remote === undefined ? undefined : remoteText(outcome.remote),
    lastAttempt: now,
    willRetryUntil: action === 'delayed' ? willRetryUntil : undefined,
    conclusion: isExpired ? `${outcome.status.text}; at last: ${because.text}` : outcome.status.text,
  };
}

/** Message-ID of the message returned, when it is one that may stand in a header. */
function messageIdOf(original: ReportedMessage): string | undefined {
  const bytes = original.pieces[0];
  if (bytes === undefined) return undefined;
  const field = findField(splitHeader(bytes, findHeaderEnd(bytes)?.end ?? bytes.length), 'message-id');
  if (field === undefined) return undefined;
  return /^<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>$/.exec(fieldText(bytes, field))?.[0];
}

function hasHighOctet(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 127) return true;
  return false;
}
