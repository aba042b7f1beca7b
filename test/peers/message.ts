/** What the next hop is checked for. */
import assert from 'node:assert/strict';
import type { SunkMessage } from './sink.ts';

export interface Trace {
  /** The words after `with`. */
  readonly protocol: 'SMTP' | 'ESMTP' | 'ESMTPS' | 'ESMTPSA';
  /** Undefined: TLS 1.2 or 1.3. */
  readonly version?: 'TLSv1.2' | 'TLSv1.3';
  readonly verify: 'OK' | 'NO' | 'NOT' | 'FAIL';
  readonly recipient: string;
}

/**
 * That the message begins with one Received: header of the relay in Sendmail's form: `from`, `(authenticated bits=0)`
 * after AUTH, `by … with … id`, TLS with its verdict, the one recipient, the date.
 */
export function assertTrace({ text }: SunkMessage, { protocol, version, verify, recipient }: Trace): void {
  const pattern = [
    String.raw`^Received: from \S+ \(\[127\.0\.0\.1\]\)\r\n`,
    protocol.endsWith('A') ? String.raw`\t\(authenticated bits=0\)\r\n` : '',
    String.raw`\tby relay\.example\.net \(Sealpost/[0-9][^ )]*\) with ${protocol} id [0-9A-Za-z]{11}\r\n`,
    String.raw`\t\(version=${version ?? 'TLSv1\\.[23]'} cipher=(?:TLS_|ECDHE-)[A-Z0-9_-]+ bits=(?:128|256) verify=${verify}\)\r\n`,
    String.raw`\tfor <${recipient.replaceAll('.', '\\.')}>; \w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n`,
  ].join('');
  assert.match(text, new RegExp(pattern));
  assert.equal(text.match(/^Received: .*\r\n(?:\s.*\r\n)*?\s+by relay\.example\.net /gm)?.length, 1);
}

/** A message as a user would write it, found again by its marker. */
export function letter(marker: string, body = 'Good morning.'): string {
  return `From: alice@example.net\nTo: bob@outside.example\nSubject: ${marker}\n\n${body}\n`;
}
