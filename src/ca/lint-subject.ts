/** Rules on the subject: a distinguished name that every program reads alike (RFC 5280 §4.1.2.4, §4.1.2.6, §A.1). */
import { sameBytes } from '../base/bytes.ts';
import { attributeName } from '../protocol/pki/attribute.ts';
import { tags } from '../protocol/pki/der.ts';
import { upperBound } from '../protocol/pki/name-bound.ts';
import type { NameAttribute } from '../protocol/pki/name.ts';
import { oids } from '../protocol/pki/oid.ts';
import { stringText } from '../protocol/pki/string-value.ts';
import { isCaKind } from './lint-fields.ts';
import type { LintFacts } from './lint-facts.ts';
import type { Rule } from './lint.ts';
import { outsideConstraints } from './profile.ts';

/** Attributes in the order of the name, each looked at until one breaks the rule. */
function each(breaks: (attribute: NameAttribute, text: string, facts: LintFacts) => string | false): Rule[1] {
  return (facts) => {
    for (const attribute of facts.subject) {
      // A BIT STRING is what x500UniqueIdentifier has; there is no text to look at.
      if (attribute.tag === tags.bitString) continue;
      const text = stringText(attribute.tag, attribute.value);
      const what = text !== undefined && breaks(attribute, text, facts);
      if (what !== false) return what;
    }
    return undefined;
  };
}

function named({ type }: NameAttribute): string {
  return attributeName(type) ?? type;
}

export const subjectRules: readonly Rule[] = [
  [
    'RFC 5280 §4.1.2.6',
    ({ certificate, kind }) =>
      certificate.subject.length <= 2 &&
      (isCaKind(kind) ? 'a CA has an empty name' : 'subject is empty, so no access map line could name it'),
  ],
  [
    'RFC 5280 §4.1.2.6',
    ({ certificate, kind, issuer }) =>
      !isCaKind(kind) && sameBytes(certificate.subject, issuer.name) && 'subject is the name of the CA',
  ],
  [
    'RFC 5280 §3.2',
    ({ certificate, kind, issuer }) => {
      if (!isCaKind(kind)) return undefined;
      const [sameName, sameKey] = [
        sameBytes(certificate.subject, issuer.name),
        sameBytes(certificate.publicKey, issuer.publicKey),
      ];
      if (kind === 'root') return !(sameName && sameKey) && 'a root is signed by another';
      return (sameName || sameKey) && 'an issuing CA has the name or key of the root';
    },
  ],
  ['RFC 5280 §A.1', ({ emptySets }) => emptySets > 0 && 'subject has a part without an attribute'],
  [
    'RFC 5280 §4.1.2.4',
    ({ subject }) => {
      const bad = subject.find(({ tag, value }) => tag !== tags.bitString && stringText(tag, value) === undefined);
      return bad !== undefined && `${named(bad)} of the subject is not of the string type that it says`;
    },
  ],
  ['RFC 5280 §4.1.2.4', each((attribute, text) => text.trim() === '' && `${named(attribute)} of the subject is empty`)],
  [
    'RFC 5280 §7.1',
    each(
      (attribute, text) =>
        /[\p{Cc}\u2028\u2029]/u.test(text) && `${named(attribute)} of the subject has a control character`,
    ),
  ],
  [
    'RFC 5280 §A.1',
    each((attribute, text) => {
      const [length, most] = [Array.from(text).length, upperBound(attribute.type)];
      // A country that is too long breaks the rule on countries.
      if (attribute.type === oids.countryName || length <= most) return false;
      return `${named(attribute)} of the subject has ${length} characters, more than ${most}`;
    }),
  ],
  [
    'RFC 5280 §A.1',
    each(
      ({ type, tag }, text) =>
        type === oids.countryName &&
        (tag !== tags.printableString || !/^[A-Za-z]{2}$/.test(text)) &&
        'C of the subject is no country code of two letters in PrintableString',
    ),
  ],
  [
    'RFC 5280 §A.1',
    each(
      ({ type, tag }) =>
        (type === oids.serialNumber || type === oids.dnQualifier) &&
        tag !== tags.printableString &&
        'serialNumber or dnQualifier of the subject is not PrintableString',
    ),
  ],
  [
    'RFC 5280 §A.1',
    each(
      ({ type, tag }) =>
        (type === oids.emailAddress || type === oids.domainComponent) &&
        tag !== tags.ia5String &&
        'emailAddress or DC of the subject is not IA5String',
    ),
  ],
  [
    'RFC 5280 §4.2.1.10',
    // Programs keep the address in a subject to the constraints too.
    each(({ type }, text, { issuer, kind }) => {
      if (type !== oids.emailAddress || isCaKind(kind)) return false;
      return outsideConstraints({ kind: 'email', text }, issuer.constraints)?.what ?? false;
    }),
  ],
];
