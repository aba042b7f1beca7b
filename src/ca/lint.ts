/**
 * The last look at a certificate before the key signs it. Reads the bytes that would be signed with the reader of
 * protocol/pki, which shares nothing with the writer but the tags, so a mistake of the writer, of a profile or of a
 * caller is seen here. Decides only; the authority refuses when there is any finding.
 */
import { DerError } from '../protocol/pki/der.ts';
import { extensionRules } from './lint-extensions.ts';
import { readFacts, type LintFacts, type LintIssuer, type LintKind, type Reading } from './lint-facts.ts';
import { fieldRules } from './lint-fields.ts';
import { subjectRules } from './lint-subject.ts';

export type { LintIssuer, LintKind } from './lint-facts.ts';

export interface Finding {
  readonly what: string;
  readonly section: string;
}

/** A section of a standard, and what a certificate does that breaks it; nothing when it keeps to it. */
export type Rule = readonly [section: string, breaks: (facts: LintFacts) => string | false | undefined];

/** Everything that is wrong with a TBSCertificate, DER; empty when it may be signed. */
export function lintCertificate(toBeSigned: Uint8Array, kind: LintKind, issuer: LintIssuer): Finding[] {
  let reading: Reading;
  try {
    reading = readFacts(toBeSigned, kind, issuer);
  } catch (error) {
    if (error instanceof DerError)
      return [{ what: `not a TBSCertificate: ${error.message}`, section: 'RFC 5280 §4.1' }];
    throw error;
  }
  if (reading.kind === 'unreadable') return [{ what: 'not readable as a certificate', section: 'RFC 5280 §4.1' }];
  if (reading.kind === 'twice')
    return reading.extensions.map((type) => ({ what: `extension ${type} is there twice`, section: 'RFC 5280 §4.2' }));
  const { facts } = reading;
  return [...fieldRules, ...subjectRules, ...extensionRules].flatMap(([section, breaks]) => {
    const what = breaks(facts);
    return typeof what === 'string' ? [{ what, section }] : [];
  });
}
