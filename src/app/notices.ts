/**
 * Mail from the relay itself: reminders and reports of its CA. It goes the ordinary way of a message through the spool,
 * from the null reverse-path, so that nothing can come of it but its delivery: no bounce, no answer of a robot
 * (RFC 5321 §4.5.5, RFC 3834 §2).
 */
import { utf8, type Bytes } from '../base/bytes.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { EventSink } from '../base/event.ts';
import { queueId, type Id } from '../base/id.ts';
import type { Notice, Notices } from '../admin/reminders.ts';
import type { NoticeBook } from '../ca/notice-book.ts';
import { formatDate } from '../protocol/mime/date.ts';
import { encodePhrase, encodeText } from '../protocol/mime/encoded-word.ts';
import { parseAddress } from '../protocol/smtp/address.ts';
import { routeTable } from '../relay/delivery/route.ts';
import type { RouteSettings } from '../relay/delivery/settings.ts';
import { recipientOf, type Recipient } from '../relay/message/envelope.ts';
import { laneOf } from '../relay/schedule/lane.ts';
import type { NewEntry, SpoolStore } from '../relay/spool/spool.ts';

export interface NoticeParts {
  readonly spool: SpoolStore;
  readonly book: NoticeBook;
  readonly mint: () => Id;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly utcOffset: (at: Ms) => number;
  /** As the configuration is now. */
  readonly hostname: () => string;
  readonly routes: () => readonly RouteSettings[];
}

export function relayNotices(parts: NoticeParts): Notices {
  const { book, spool, clock, events, mint } = parts;

  /** What the program did not see the end of: the spool knows, in its queue or in its history. */
  async function settleOpen(): Promise<void> {
    for (const { entry } of book.open()) {
      const isThere = (await spool.list({ ids: [entry] }, 1)).length > 0 || (await spool.history(entry)).length > 0;
      if (isThere) book.end([entry]);
      else book.cancel([entry]);
    }
  }

  return {
    known: async (names) => {
      await settleOpen();
      return book.known(names);
    },
    async send(list) {
      await settleOpen();
      const known = book.known(list.flatMap(({ names }) => names));
      const entries: { readonly notice: Notice; readonly entry: NewEntry }[] = [];
      for (const notice of list) {
        if (notice.names.every((name) => known.has(name))) continue;
        const entry = entryOf(parts, notice, mint());
        if (entry !== undefined) entries.push({ notice, entry });
        else
          events.tell({
            kind: 'trouble',
            where: 'notices',
            detail: `"${notice.to}" is no address to which mail can go`,
          });
      }
      if (entries.length === 0) return;
      book.begin(
        entries.map(({ notice, entry }) => ({ names: notice.names, entry: entry.id })),
        clock.now(),
      );
      await spool.accept(entries.map(({ entry }) => entry));
      book.end(entries.map(({ entry }) => entry.id));
      for (const { notice, entry } of entries)
        events.tell({ kind: 'announced', id: entry.id, to: notice.to, subject: notice.subject.english });
    },
    forget: (before) => book.forget(before),
  };
}

function entryOf(
  { hostname, routes, clock, utcOffset, mint }: NoticeParts,
  notice: Notice,
  id: Id,
): NewEntry | undefined {
  const address = parseAddress(notice.to);
  if (address === undefined || address.domain === '') return undefined;
  const recipient = recipientOf(address, { notify: 'never', orcpt: undefined }, hostname());
  if (recipient === undefined) return undefined;
  const now = clock.now();
  const messageId = `<${queueId(id)}@${hostname()}>`;
  const bytes = messageOf({
    notice,
    recipient,
    messageId,
    hostname: hostname(),
    date: formatDate(now, utcOffset(now)),
  });
  const dest = routeTable(routes()).key(recipient.domain);
  return {
    id,
    at: now,
    envelope: {
      reversePath: '',
      body: '7BIT',
      smtputf8: !isAscii(recipient.address),
      ret: undefined,
      envid: undefined,
    },
    origin: { holder: undefined, serial: undefined },
    messageId,
    peer: 'local',
    size: bytes.length,
    content: { kind: 'inline', bytes },
    deliveries: [
      {
        id: mint(),
        lane: laneOf(dest),
        dest,
        recipient: recipient.address,
        notify: 'never',
        orcpt: undefined,
        due: now,
      },
    ],
  };
}

interface MessageParts {
  readonly notice: Notice;
  readonly recipient: Recipient;
  readonly messageId: string;
  readonly hostname: string;
  readonly date: string;
}

/** Base64, since the text is Japanese too and must pass every hop as it is (RFC 2045 §6.8). */
function messageOf({ notice, recipient, messageId, hostname, date }: MessageParts): Bytes {
  const body = Buffer.from(utf8(notice.text.replaceAll(/\r?\n/g, '\r\n')))
    .toString('base64')
    .replaceAll(/.{76}/g, '$&\r\n');
  const header = [
    `From: ${encodePhrase(`Sealpost ${hostname}`)} <postmaster@${hostname}>`,
    `To: <${recipient.address}>`,
    // The English half as it is and the Japanese one on lines of its own, which keeps them within RFC 2047 §2.
    `Subject: ${notice.subject.english}\r\n ${encodeText(notice.subject.japanese)}`,
    `Date: ${date}`,
    `Message-ID: ${messageId}`,
    'Auto-Submitted: auto-generated', // RFC 3834 §5
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ];
  return utf8(`${header.join('\r\n')}\r\n\r\n${body}\r\n`);
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
