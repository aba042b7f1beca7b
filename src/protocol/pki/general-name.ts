/** GeneralName (RFC 5280 §4.2.1.6): the names that subjectAltName holds. */
import { fromLatin1, fromUtf8, latin1, utf8, type Bytes } from '../../base/bytes.ts';
import { DerError, type DerReader, contextTag, element, oid, tags } from './der.ts';
import { explicit, implicit, utf8String } from './der-write.ts';
import { oids } from './oid.ts';

/** `mailbox` is the SmtpUTF8Mailbox of RFC 9598 §3; `other` has the tag, or the type of an otherName, as its text. */
export interface GeneralName {
  readonly kind: 'email' | 'mailbox' | 'dns' | 'uri' | 'other';
  readonly text: string;
}

const kinds: Readonly<Record<number, GeneralName['kind']>> = { 0x81: 'email', 0x82: 'dns', 0x86: 'uri' };

/** The names of a GeneralNames, in order. Throws `DerError`. */
export function readGeneralNames(value: DerReader): GeneralName[] {
  const names: GeneralName[] = [];
  const list = value.read(tags.sequence);
  while (!list.done) {
    const { tag, content } = list.next();
    const kind = kinds[tag];
    if (kind !== undefined) names.push({ kind, text: latin1(content.bytes) });
    else if (tag === contextTag(0)) names.push(readOtherName(content));
    else names.push({ kind: 'other', text: `[${tag & 0x1f}]` });
  }
  return names;
}

function readOtherName(content: DerReader): GeneralName {
  const type = content.readOid();
  const value = content.read(contextTag(0));
  content.end();
  if (type !== oids.smtpUtf8Mailbox) return { kind: 'other', text: type };
  const text = fromUtf8(value.read(tags.utf8String).bytes);
  value.end();
  if (text === undefined) throw new DerError('SmtpUTF8Mailbox is not UTF-8', content.offset);
  return { kind: 'mailbox', text };
}

/** One GeneralName, DER. Texts other than that of a mailbox are ASCII. */
export function encodeGeneralName({ kind, text }: GeneralName): Bytes {
  switch (kind) {
    case 'email':
      return implicit(1, fromLatin1(text));
    case 'dns':
      return implicit(2, fromLatin1(text));
    case 'uri':
      return implicit(6, utf8(text));
    case 'mailbox':
      return element(contextTag(0), oid(oids.smtpUtf8Mailbox), explicit(0, utf8String(text)));
    case 'other':
      break;
  }
  throw new RangeError(`a name of kind ${text} is not written`);
}
