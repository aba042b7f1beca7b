/**
 * Delivery status notifications: what a DSN says, as the bytes of a message (RFC 3461 §6, RFC 3464, RFC 6522), and in
 * the form of RFC 6533 where addresses are not ASCII. Pure: time, boundary and ids are given.
 */
import { utf8 } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { formatDate } from '../mime/date.ts';
import { writeMultipart, type Part } from '../mime/part.ts';

/** RFC 3464 §2.3.3. */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

/** What is reported about one recipient. Texts may hold anything; they are cleaned here. */
export interface ReportRecipient {
  readonly address: string;
  /** ORCPT as it came: `type;address`, xtext encoded. */
  readonly orcpt: string | undefined;
  readonly action: ReportAction;
  /** Enhanced code, such as `5.1.1`. */
  readonly status: string;
  /** Host name of the server that spoke last. */
  readonly remoteMta: string | undefined;
  /** Its reply: `550 5.1.1 No such user`. */
  readonly diagnostic: string | undefined;
  readonly lastAttempt: Ms | undefined;
  /** For `delayed`. */
  readonly willRetryUntil: Ms | undefined;
  /** Our conclusion in a sentence without full stop, for people. */
  readonly conclusion: string;
}

/** The message reported on: its whole content or its header section, in pieces that are passed on and not copied. */
export interface ReportedMessage {
  readonly kind: 'full' | 'header';
  readonly pieces: readonly Uint8Array[];
  /** Some octet is above 127. */
  readonly eightBit: boolean;
}

export interface ReportInput {
  /** Our name: Reporting-MTA, and the domain of From. */
  readonly hostname: string;
  /** The reverse-path of the message reported on. */
  readonly to: string;
  /** With angle brackets. */
  readonly messageId: string;
  readonly date: Ms;
  readonly offsetMinutes: number;
  readonly boundary: string;
  /** ENVID, xtext decoded. */
  readonly envid: string | undefined;
  readonly arrival: Ms;
  /** Message-ID of the message reported on, with angle brackets. */
  readonly about: string | undefined;
  /** The message reported on came with SMTPUTF8. */
  readonly smtputf8: boolean;
  readonly recipients: readonly ReportRecipient[];
  readonly original: ReportedMessage;
}

/** A DSN ready for the spool. */
export interface Report {
  readonly pieces: readonly Uint8Array[];
  readonly size: number;
  readonly body: '7BIT' | '8BITMIME';
  /** Its own header is not ASCII. */
  readonly smtputf8: boolean;
}

const SUBJECTS: Readonly<Record<ReportAction, string>> = {
  failed: 'Delivery Status Notification (Failure)',
  delayed: 'Delivery Status Notification (Delay)',
  delivered: 'Delivery Status Notification (Success)',
  relayed: 'Delivery Status Notification (Success)',
  expanded: 'Delivery Status Notification (Success)',
};

const HEADINGS: Readonly<Record<ReportAction, string>> = {
  failed: 'Your message could not be delivered to:',
  delayed: 'Your message is late. It is still being tried; you need not send it again:',
  delivered: 'Your message was delivered to:',
  relayed: 'Your message went on to a mail server that sends no notices of its own, for:',
  expanded: 'Your message was accepted and sent on to the members of:',
};

/** In the order of their weight; the first that occurs gives the subject. */
const ACTIONS = ['failed', 'delayed', 'relayed', 'delivered', 'expanded'] as const satisfies readonly ReportAction[];

/** The DSN as a message with CRLF line ends. */
export function writeReport(input: ReportInput): Report {
  // RFC 6533 §3: a message/global-delivery-status wherever an address may not be ASCII.
  const global = input.smtputf8 || !isAscii(input.to) || input.recipients.some(({ address }) => !isAscii(address));
  const fields = statusFields(input, global);
  const eightBit = input.original.eightBit || !isAscii(fields);
  const smtputf8 = !isAscii(input.to);
  const action = ACTIONS.find((each) => input.recipients.some((recipient) => recipient.action === each)) ?? 'failed';
  const header = [
    `Date: ${formatDate(input.date, input.offsetMinutes)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${clean(input.hostname, false)}>`,
    `To: <${clean(input.to, true)}>`,
    `Message-ID: ${clean(input.messageId, false)}`,
    `Subject: ${SUBJECTS[action]}`,
    ...(input.about === undefined ? [] : [`In-Reply-To: ${input.about}`, `References: ${input.about}`]),
    'Auto-Submitted: auto-replied', // RFC 3834 §5
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${input.boundary}"`,
    ...(eightBit ? ['Content-Transfer-Encoding: 8bit'] : []),
  ];
  const parts = [humanPart(input), statusPart(fields, global), originalPart(input, global)];
  const head = utf8(
    `${header.map((line) => `${line}\r\n`).join('')}\r\nThis is a delivery status notification in MIME format (RFC 3464).\r\n\r\n`,
  );
  const pieces = [head, ...writeMultipart(input.boundary, parts)];
  let size = 0;
  for (const piece of pieces) size += piece.length;
  return { pieces, size, body: eightBit ? '8BITMIME' : '7BIT', smtputf8 };
}

/** RFC 6522 §3: first what people read. */
function humanPart(input: ReportInput): Part {
  const lines = [`This is the mail system at ${clean(input.hostname, false)}.`, ''];
  for (const action of ACTIONS) {
    const recipients = input.recipients.filter((recipient) => recipient.action === action);
    if (recipients.length === 0) continue;
    lines.push(HEADINGS[action], '');
    for (const recipient of recipients) {
      lines.push(...wrapped(`<${recipient.address}>`, '  ', LONGEST));
      lines.push(...wrapped(`${recipient.conclusion}.`, '    ', 72));
      if (recipient.diagnostic !== undefined)
        lines.push(...wrapped(`The server ${recipient.remoteMta ?? ''} said: ${recipient.diagnostic}`, '    ', 72));
      if (recipient.action === 'delayed' && recipient.willRetryUntil !== undefined)
        lines.push(`    Delivery is tried until ${formatDate(recipient.willRetryUntil, input.offsetMinutes)}.`);
      lines.push('');
    }
  }
  lines.push(input.original.kind === 'full' ? 'The message is attached.' : 'The header of the message is attached.');
  const text = lines.join('\r\n') + '\r\n';
  if (isAscii(text)) return { header: ['Content-Type: text/plain; charset=us-ascii'], body: [utf8(text)] };
  // Base64, so that this part never makes the whole message need 8BITMIME.
  const encoded = Buffer.from(utf8(text)).toString('base64').replace(/.{76}/g, '$&\r\n');
  return {
    header: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'],
    body: [utf8(`${encoded}\r\n`)],
  };
}

/** RFC 3464 §2.1: fields of the message, then a group for each recipient, with empty lines between. */
function statusPart(fields: string, global: boolean): Part {
  const encoding = isAscii(fields) ? '7bit' : '8bit';
  const type = global ? 'message/global-delivery-status' : 'message/delivery-status';
  return { header: [`Content-Type: ${type}`, `Content-Transfer-Encoding: ${encoding}`], body: [utf8(fields)] };
}

function statusFields(input: ReportInput, global: boolean): string {
  const date = (at: Ms): string => formatDate(at, input.offsetMinutes);
  const lines: string[] = [];
  if (input.envid !== undefined) lines.push(field('Original-Envelope-Id', clean(input.envid, false)));
  lines.push(field('Reporting-MTA', `dns; ${clean(input.hostname, false)}`));
  lines.push(field('Arrival-Date', date(input.arrival)));
  for (const recipient of input.recipients) {
    const { address, orcpt, remoteMta, diagnostic, lastAttempt, willRetryUntil } = recipient;
    const original = orcpt === undefined ? undefined : originalRecipient(orcpt, global);
    lines.push('');
    if (original !== undefined) lines.push(field('Original-Recipient', original));
    lines.push(field('Final-Recipient', `${isAscii(address) ? 'rfc822' : 'utf-8'}; ${clean(address, global)}`));
    lines.push(field('Action', recipient.action));
    lines.push(field('Status', clean(recipient.status, false)));
    if (remoteMta !== undefined) lines.push(field('Remote-MTA', `dns; ${clean(remoteMta, false)}`));
    if (diagnostic !== undefined) lines.push(field('Diagnostic-Code', `smtp; ${clean(diagnostic, global)}`, 76));
    if (lastAttempt !== undefined) lines.push(field('Last-Attempt-Date', date(lastAttempt)));
    if (recipient.action === 'delayed' && willRetryUntil !== undefined)
      lines.push(field('Will-Retry-Until', date(willRetryUntil)));
  }
  return lines.join('\r\n') + '\r\n';
}

/** RFC 3464 §3, RFC 6533 §4: the type follows from what is returned, and from the form of the report. */
function originalPart(input: ReportInput, global: boolean): Part {
  const { kind, pieces, eightBit } = input.original;
  const plain = kind === 'full' ? 'message/rfc822' : 'text/rfc822-headers';
  const wide = kind === 'full' ? 'message/global' : 'message/global-headers';
  const header = [`Content-Type: ${global ? wide : plain}`];
  if (eightBit) header.push('Content-Transfer-Encoding: 8bit');
  return { header, body: pieces };
}

/**
 * ORCPT as Original-Recipient: the address decoded from xtext (RFC 3461 §4.2, §5.2). An address of type utf-8 is in
 * Unicode in a global report, and stays in its ASCII form in a plain one (RFC 6533 §3).
 */
function originalRecipient(orcpt: string, global: boolean): string | undefined {
  const semicolon = orcpt.indexOf(';');
  if (semicolon <= 0) return undefined;
  const type = clean(orcpt.slice(0, semicolon), false);
  let address = decodeXtext(orcpt.slice(semicolon + 1));
  if (type.toLowerCase() === 'utf-8' && global)
    address = address.replace(/\\x\{([0-9A-Fa-f]{1,6})\}/g, (whole, digits: string) => codePoint(digits) ?? whole);
  return `${type}; ${clean(address, global)}`;
}

function codePoint(digits: string): string | undefined {
  const value = Number.parseInt(digits, 16);
  return value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff) ? undefined : String.fromCodePoint(value);
}

/** RFC 3461 §4: `+` and two upper-case hexadecimal digits stand for a character. */
function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** Text on one line: no control characters, and nothing but ASCII unless `wide`. What a peer said must not become a field of ours. */
function clean(text: string, wide: boolean): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not get through
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return wide ? line : line.replace(/[^\u0020-\u007e]/g, '?');
}

/** The longest line in characters: RFC 5322 §2.1.1 allows 998 octets, and a character may take four. */
const LONGEST = 240;

/** Lines of about `width` characters, cut at blanks, and anywhere before a line gets too long. */
function wrapped(text: string, indent: string, width: number): string[] {
  const lines: string[] = [];
  let rest = clean(text, true);
  while (rest.length > width) {
    let cut = rest.lastIndexOf(' ', width);
    if (cut <= 0) cut = rest.indexOf(' ', width);
    if (cut < 0 || cut > LONGEST) cut = Math.min(rest.length, LONGEST);
    lines.push(indent + rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  if (rest !== '') lines.push(indent + rest);
  return lines;
}

/** A field, folded where it is long. Addresses stay on one line as long as they may, for readers that do not unfold. */
function field(name: string, value: string, width: number = LONGEST): string {
  return wrapped(`${name}: ${value}`, '', width).join('\r\n ');
}

function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- ASCII is meant as it is
  return /^[\u0000-\u007f]*$/.test(text);
}
