import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { REPLY_LINE, REPLY_LINES, ReplyParser, type ReplyFault } from '../../src/protocol/smtp/reply-parser.ts';
import { formatReply, type Reply } from '../../src/protocol/smtp/reply.ts';
import { cutByContent } from '../cut.ts';

/** What a server sends. */
export function target(bytes: Uint8Array): void {
  const whole = read([bytes]);
  assert.deepEqual(read(cutByContent(bytes)), whole);
  for (const reply of whole.replies) {
    assert.ok(reply.lines.length >= 1 && reply.lines.length <= REPLY_LINES);
    const text = formatReply(reply);
    if (text.split('\r\n').some((line) => utf8(line).length + 2 > REPLY_LINE)) continue;
    // A reply without enhanced code whose text looks like one cannot be told from one with it.
    if (reply.enhanced === undefined && reply.lines.some((line) => /^[245]\.\d+\.\d+( |$)/.test(line))) continue;
    assert.deepEqual(read([utf8(text)]).replies, [reply]);
  }
}

function read(parts: readonly Uint8Array[]): { replies: Reply[]; fault: ReplyFault | undefined } {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  for (const part of parts) {
    parser.receive(part);
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) replies.push(reply);
  }
  return { replies, fault: parser.fault };
}
