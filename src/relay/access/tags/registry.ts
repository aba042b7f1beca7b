import { certCn } from './certcn.ts';
import { certIssuer } from './certissuer.ts';
import { certSubject } from './certsubject.ts';
import { cltFeatures } from './clt-features.ts';
import { connect } from './connect.ts';
import { from } from './from.ts';
import { reviewHost } from './host.ts';
import { spam } from './spam.ts';
import { srvFeatures } from './srv-features.ts';
import type { AccessTag, LineReview } from './tag.ts';
import { tlsClt } from './tls-clt.ts';
import { tlsRcpt } from './tls-rcpt.ts';
import { tlsSrv } from './tls-srv.ts';
import { to } from './to.ts';
import { tryTls } from './try-tls.ts';

/** The tags that are understood. A new one gets a file here, a row in this list and cases in test/access. */
export const accessTags: readonly AccessTag[] = [
  certIssuer,
  certSubject,
  certCn,
  connect,
  to,
  from,
  spam,
  tlsClt,
  tlsSrv,
  tlsRcpt,
  tryTls,
  srvFeatures,
  cltFeatures,
];

const byName: ReadonlyMap<string, AccessTag> = new Map(accessTags.map((tag) => [tag.name.toLowerCase(), tag]));

/** The first trap in a line; undefined when there is none. `key` with its tag, as it is written. */
export function reviewLine(key: string, value: string): LineReview | undefined {
  const colon = key.indexOf(':');
  const tag = colon > 0 ? byName.get(key.slice(0, colon).toLowerCase()) : undefined;
  return (
    tag?.review(key.slice(colon + 1), value) ??
    (tag === undefined ? reviewUntagged(key, colon) : undefined) ??
    reviewValue(value)
  );
}

function reviewUntagged(key: string, colon: number): LineReview | undefined {
  const word = colon > 0 ? key.slice(0, colon) : '';
  if (/^[a-z_]{2,}$/i.test(word) && word.toLowerCase() !== 'ipv6') {
    return {
      about: 'key',
      trap: 'unknown-tag',
      values: { tag: word },
      text: `the tag ${word} is not known`,
      hint: `known are ${accessTags.map(({ name }) => name).join(', ')}`,
    };
  }
  return /^[\d.[]|^ipv6:/i.test(key) ? reviewHost(key) : undefined;
}

function reviewValue(value: string): LineReview | undefined {
  if (!value.startsWith('"') && !value.includes('#')) return undefined;
  const quoted = /^"([A-Z]+)"$/i.exec(value)?.[1];
  if (quoted !== undefined)
    return {
      about: 'value',
      trap: 'quoted-word',
      values: { word: quoted },
      text: 'a word in quotes is an error text',
      hint: `write ${quoted} without quotes`,
    };
  if (/^(OK|RELAY|SUBJECT|REJECT|DISCARD|SKIP)\s+#/i.test(value)) {
    return {
      about: 'value',
      trap: 'comment-in-value',
      text: 'a comment behind an entry is part of its value',
      hint: 'put the comment on a line of its own',
    };
  }
  return undefined;
}
