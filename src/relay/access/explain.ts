/** Verdicts and their trails as lines of text, for an operator who asks why. */
import { replyText } from '../../protocol/smtp/reply.ts';
import type { Trail, Verdict } from './verdict.ts';

/** One line for each test: `asked: answer (source)`. */
export function explainTrail(trail: Trail): string[] {
  return trail.map(({ asked, source, answer }) => {
    const found = answer ?? (source === undefined ? 'no entry' : '');
    return source === undefined ? `${asked}: ${found}` : `${asked}: ${found} (${source})`;
  });
}

/** The verdict on one line. */
export function explainVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'accept':
      return verdict.relay ? 'accept, relay' : 'accept';
    case 'reject':
      return `reject ${replyText(verdict.reply)}`;
    case 'discard':
      return 'discard';
    default:
      return `quarantine ${verdict.reason}`;
  }
}

/** The source that decided: the last of the trail that answered; undefined when none did. For events. */
export function decidedBy(verdict: Verdict): string | undefined {
  return verdict.trail.findLast(({ source }) => source !== undefined)?.source;
}
