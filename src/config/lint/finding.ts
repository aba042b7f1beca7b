/**
 * What lint says. A finding names its rule and gives values; the sentences are in the catalogues of `cli/messages/lint`,
 * so that a rule is written once and said in every language.
 */

/**
 * `error`: something does not work, or lets in whom nobody meant to let in. `warning`: it hardly does what its author
 * expects. `note`: it works, and is worth knowing.
 */
export type Severity = 'error' | 'warning' | 'note';

/** A change of the access file: lines `first` to `last` (from 1) become these. */
export interface LineFix {
  readonly first: number;
  readonly last: number;
  readonly lines: readonly string[];
}

/** Every rule by its name. What the access map itself says of a line goes by the name that it gives. */
export type LintRule =
  | 'access-line'
  | 'duplicate'
  | 'no-value'
  | 'wrapped'
  | 'indented'
  | 'only-blanks'
  | 'email-attribute'
  | 'blank-in-name'
  | 'name-type'
  | 'name-not-as-printed'
  | 'name-extra'
  | 'name-lacks'
  | 'name-differs'
  | 'name-order'
  | 'name-shared'
  | 'issuer-untrusted'
  | 'subject-unknown'
  | 'issuer-relays-all'
  | 'issuer-relays-all-known'
  | 'issuer-public'
  | 'subject-dead'
  | 'subject-never-asked'
  | 'issuer-without-subjects'
  | 'subject-unbound'
  | 'issuer-indirect'
  | 'relay-network'
  | 'relay-top-domain'
  | 'relay-untagged'
  | 'relay-to-top-domain'
  | 'to-address-relay-off'
  | 'from-relay-open'
  | 'from-relay-off'
  | 'relay-domain-network'
  | 'relay-domain-top'
  | 'trusted-network'
  | 'skip-off'
  | 'value-word'
  | 'value-misspelt'
  | 'to-blocklist-off'
  | 'spam-off'
  | 'spam-other'
  | 'certificate-not-asked'
  | 'wildcard'
  | 'host-with-at'
  | 'dot-domain-off'
  | 'domain-dot'
  | 'repeated'
  | 'weak-signature'
  | 'weak-signature-accepted'
  | 'weak-key'
  | 'weak-key-accepted'
  | 'expired'
  | 'expires-soon'
  | 'not-yet-valid'
  | 'client-key-of-user'
  | 'ca-key-here'
  | 'ca-key-open'
  | 'user-key-here'
  | 'user-key-encrypted'
  | 'key-mode-refused'
  | 'key-mode-others'
  | 'key-mode-group'
  | 'server-key-mismatch'
  | 'client-key-mismatch'
  | 'bundle-here'
  | 'group-readable-keys'
  | 'no-tls'
  | 'starttls-unset'
  | 'starttls-file-missing'
  | 'starttls-file-unreadable'
  | 'starttls-file-empty'
  | 'client-file-missing'
  | 'client-file-unreadable'
  | 'client-file-empty'
  | 'no-hash-link'
  | 'security-level'
  | 'weak-ciphers'
  | 'no-crl'
  | 'no-crl-withdrawn'
  | 'crl-missing'
  | 'crl-unreadable'
  | 'crl-expired'
  | 'crl-ignored'
  | 'crl-no-hash-link'
  | 'promiscuous-relay'
  | 'relay-local-from'
  | 'relay-mail-from'
  | 'relay-based-on-mx'
  | 'loose-relay-check'
  | 'accept-unresolvable'
  | 'external-trusted'
  | 'verify-ok-relays'
  | 'no-access-db'
  | 'access-missing-optional'
  | 'access-missing';

export interface LintFinding {
  readonly severity: Severity;
  /** As an operator would write it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** A LintRule, or the name that the access map's review gives its trap. */
  readonly rule: string;
  readonly values: Readonly<Record<string, string | number>>;
  /** What the access map itself says of the line, in English; undefined: the catalogue has the words. */
  readonly said?: { readonly text: string; readonly hint: string } | undefined;
  /** Only in the access file. */
  readonly fix?: LineFix | undefined;
}

/** At most this many names in one sentence. */
const NAMES = 3;

/** `a, b, c` or `a, b, c, …`, for the values of a finding. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMES).join(', ');
  return names.length > NAMES ? `${shown}, …` : shown;
}
