/**
 * The trace header a message gets on its way in (RFC 5321 §4.4), in the form of Sendmail's Received: line, so that
 * whoever reads or parses one can read the other.
 */
import type { Ms } from '../../base/clock.ts';
import type { Dialect } from '../../base/status.ts';
import { formatDate } from '../../protocol/mime/date.ts';

/** What the trace header tells. Texts of the peer may hold anything; they are cleaned here. */
export interface TraceFacts {
  readonly hostname: string;
  /** Program version. */
  readonly version: string;
  /** Queue id as it is printed. */
  readonly id: string;
  /** As traceDate() writes it. */
  readonly date: string;
  /** As said in HELO or EHLO. */
  readonly helo: string | undefined;
  /** Greeted by EHLO. */
  readonly extended: boolean;
  /** That hello came in TLS. Who need not say it again after STARTTLS said it in clear. */
  readonly greetedInTls: boolean;
  /** Without brackets. */
  readonly address: string;
  /** The peer's name by its address; undefined when there is none. */
  readonly name: string | undefined;
  /** The name does not lead back to the address. */
  readonly forged: boolean;
  readonly authenticated: boolean;
  readonly smtputf8: boolean;
  readonly tls: TraceTls | undefined;
  /** Mailboxes accepted; one alone is named. */
  readonly recipients: readonly { readonly address: string }[];
}

export interface TraceTls {
  readonly version: string;
  readonly cipher: string;
  readonly bits: number;
  /** Sendmail's word. */
  readonly verify: string;
}

/** The whole header field, continuation lines by TAB, CRLF at the end. */
export function traceHeader(facts: TraceFacts): string {
  const client = clientText(facts.address, facts.name, facts.forged);
  const from =
    facts.helo === undefined
      ? facts.name === undefined
        ? `[${literal(facts.address)}]`
        : word(facts.name)
      : word(facts.helo);
  // A session that authenticates by EXTERNAL has no security layer of its own: strength 0, as Sendmail says it.
  const authenticated = facts.authenticated ? '\r\n\t(authenticated bits=0)' : '';
  const { tls } = facts;
  const encrypted =
    tls === undefined
      ? ''
      : `\r\n\t(version=${word(tls.version)} cipher=${word(tls.cipher)} bits=${tls.bits} verify=${word(tls.verify)})`;
  const only = facts.recipients.length === 1 ? facts.recipients[0] : undefined;
  // With several recipients none is named: it would tell each of the others, blind copies included (RFC 5321 §7.2).
  const end = only === undefined ? ';\r\n\t' : `\r\n\tfor <${mailbox(only.address)}>; `;
  return (
    `Received: from ${from} (${client})${authenticated}\r\n` +
    `\tby ${word(facts.hostname)} (Sealpost/${word(facts.version)}) with ${protocolWord(facts)} id ${facts.id}` +
    `${encrypted}${end}${facts.date}\r\n`
  );
}

/** The date in greetings and trace headers. Sendmail has `GMT` where we have `+0000`, and its clients take it. */
export function traceDate(at: Ms, utcOffset: number, dialect: Dialect): string {
  const date = formatDate(at, utcOffset);
  return dialect === 'sendmail' ? date.replace(/\+0000$/, 'GMT') : date;
}

/** `with` words: RFC 3848, and RFC 6531 §4.3 where SMTPUTF8 was used. HELO inside TLS stays SMTP, as in Sendmail. */
export function protocolWord(
  facts: Pick<TraceFacts, 'extended' | 'greetedInTls' | 'authenticated' | 'smtputf8'>,
): string {
  if (!facts.extended) return 'SMTP';
  return `${facts.smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${facts.greetedInTls ? 'S' : ''}${facts.authenticated ? 'A' : ''}`;
}

/** Sendmail's ${_}: `name [ip]`, `[ip]`, `name [ip] (may be forged)`. */
export function clientText(address: string, name: string | undefined, forged: boolean): string {
  const ip = `[${literal(address)}]`;
  return name === undefined ? ip : `${word(name)} ${ip}${forged ? ' (may be forged)' : ''}`;
}

/** RFC 5321 §4.1.3: an IPv6 address literal begins with its tag. */
function literal(address: string): string {
  return word(address.includes(':') ? `IPv6:${address}` : address);
}

/**
 * What a peer said, as one word that cannot end a comment, a clause or a line. Names and addresses lose nothing by
 * it. Length is cut to that of the longest domain name.
 */
function word(text: string): string {
  if (text.length <= 255 && /^[A-Za-z0-9._:[\]/+=@-]+$/.test(text)) return text;
  const cut = text.slice(0, 255).replace(/[^\x21-\x7e]|[()<>;,"\\]/g, '?');
  return cut === '' ? '?' : cut;
}

/** A mailbox keeps quotes and non-ASCII letters, and loses what could end the line or the brackets. */
function mailbox(address: string): string {
  // oxlint-disable-next-line no-control-regex -- the characters that must not pass
  return address.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}
