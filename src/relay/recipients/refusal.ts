/** Replies by which recipients are refused that a table or a route says nothing is for, in Sendmail's form. */
import { statuses } from '../../base/status.ts';
import { replyOf, type Reply } from '../../protocol/smtp/reply.ts';

/** What is said: the codes and the words after the address. */
export interface RefusalReply {
  readonly code: number;
  readonly enhanced: string | undefined;
  readonly text: string;
}

/** Replies in which Sendmail does not repeat the address. */
const NAMELESS: ReadonlySet<number> = new Set([421, 451, 452, 551, 552, 554]);

/** The reply to a command with this address, as it was typed. */
export function refusalReply({ code, enhanced, text }: RefusalReply, typed: string): Reply {
  const status = statuses['virtual-refused'];
  const shown = NAMELESS.has(code) ? '{text}' : status.text;
  return replyOf(
    { ...status, code, enhanced: enhanced ?? `${Math.trunc(code / 100)}.0.0`, text: shown },
    { address: typed, text },
  );
}

/**
 * `error:D.S.N:code text` and `error:word code text` of the virtusertable, as Sendmail answers them; undefined for
 * anything else. Without a code it is 553 5.3.0, whatever the word; an enhanced code in the text wins.
 */
export function errorReply(value: string, typed: string): Reply | undefined {
  const parts = /^error:\s*(?:(\d\.\d+\.\d+)\s*:|\S*)\s*(?:([45]\d\d)\s+)?(?:([45]\.\d+\.\d+)\s+)?(.*)$/i.exec(value);
  if (parts === null) return undefined;
  const [, before, code, inside, text = ''] = parts;
  if (code === undefined) {
    const said = inside === undefined ? text : `${inside} ${text}`;
    return replyOf(statuses['virtual-refused'], { address: typed, text: said });
  }
  const enhanced = [inside, before].find((one) => one?.[0] === code[0]);
  return refusalReply({ code: Number(code), enhanced, text }, typed);
}
