/**
 * What an entry of the access map demands of a TLS connection (TLS_Clt:, TLS_Srv:, TLS_Rcpt:), and whether a connection
 * meets it: `[PERM+|TEMP+](VERIFY|VERIFY:bits|ENCR:bits)[+ext++ext…]`, read token by token as Sendmail's rulesets
 * TLS_connection and TLS_req do. A value that is none of these demands nothing, and an extension that is not known is
 * met, with all that stand behind it.
 */
import type { StatusKey } from '../../base/status.ts';

/** The other side of a connection, as far as requirements ask. */
export interface TlsPeer {
  /** Sendmail's ${verify}: '' where a client uses no TLS; NONE where a server offers none, CLEAR where we want none. */
  readonly verify: string;
  /** Secret bits of the cipher, 0 without TLS. */
  readonly bits: number;
  /** The name it goes by: the client's, or the host that we connected to. */
  readonly name: string;
  readonly address: string;
  /** What it showed, verified or not; names in Sendmail's form. */
  readonly certificate: TlsPeerCertificate | undefined;
}

export interface TlsPeerCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
}

export interface TlsRequirement {
  /** How a refusal is meant. `usual`: as the policy says for all. */
  readonly lasting: 'usual' | 'temporary' | 'permanent';
  readonly verify: boolean;
  /** Bits that are asked for; undefined: none. */
  readonly bits: number | undefined;
  /** All must be met, in order. */
  readonly extensions: readonly string[];
}

/** What only the policy knows. */
export interface TlsRequirementTerms {
  /** The value of `TAG:issuer` in the map, for CITag. */
  readonly issuer: (tag: string, issuer: string) => string | undefined;
  /** FEATURE(check_cert_altnames). */
  readonly altNames: boolean;
}

/** Sendmail's operators: each is a token of its own. */
const TOKENS = /[.:%@!^/[\]+()<>,;"]|[^\s.:%@!^/[\]+()<>,;"]+/g;
const OPERATOR = /^[.:%@!^/[\]+()<>,;"]$/;

/** The requirement in a value of the map; undefined: it demands nothing. */
export function parseTlsRequirement(value: string): TlsRequirement | undefined {
  const tokens = value.match(TOKENS) ?? [];
  let at = 0;
  const word = (index: number): string => tokens[index]?.toUpperCase() ?? '';
  let lasting: TlsRequirement['lasting'] = 'usual';
  if ((word(0) === 'PERM' || word(0) === 'TEMP') && word(1) === '+') {
    lasting = word(0) === 'PERM' ? 'permanent' : 'temporary';
    at = 2;
  }
  const verify = word(at) === 'VERIFY';
  if (!verify && word(at) !== 'ENCR') return undefined;
  at += 1;
  let bits: number | undefined;
  if (tokens[at] === ':') {
    const written = tokens[at + 1] ?? ':';
    if (OPERATOR.test(written)) return undefined;
    bits = Number.parseInt(written, 10) || 0; // what is no number is 0 to Sendmail's arithmetic
    at += 2;
  } else if (!verify) return undefined;
  if (at === tokens.length) return { lasting, verify, bits, extensions: [] };
  if (tokens[at] !== '+' || at + 1 === tokens.length) return undefined;
  return { lasting, verify, bits, extensions: splitExtensions(tokens.slice(at + 1)) };
}

/** Parts between `++`; one that would be empty leaves its plus signs to the part before it. */
function splitExtensions(tokens: readonly string[]): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 1; at + 2 < tokens.length; at++) {
    if (at === start || tokens[at] !== '+' || tokens[at + 1] !== '+') continue;
    parts.push(joined(tokens.slice(start, at)));
    start = at + 2;
    at += 1;
  }
  return [...parts, joined(tokens.slice(start))];
}

/** Tokens as text; a blank is left only where two would else become one. */
function joined(tokens: readonly string[]): string {
  return tokens.reduce((text, token, index) => {
    const before = tokens[index - 1];
    return before === undefined || OPERATOR.test(before) || OPERATOR.test(token) ? text + token : `${text} ${token}`;
  }, '');
}

/** Why the peer does not meet the requirement, in Sendmail's words; undefined: it does. */
export function unmet(requirement: TlsRequirement, peer: TlsPeer, terms: TlsRequirementTerms): string | undefined {
  const { verify, bits, extensions } = requirement;
  if (verify && peer.verify !== 'OK' && peer.verify !== 'TRUSTED') return unverified(peer.verify);
  if (bits !== undefined && peer.bits < bits) return `encryption too weak ${peer.bits} less than ${bits}`;
  for (const extension of extensions) {
    const met = meets(extension, peer, terms);
    if (met === 'yes') continue;
    return met === 'end' ? undefined : met.fault;
  }
  return undefined;
}

function unverified(verify: string): string {
  switch (verify) {
    case '':
      return 'authentication required';
    case 'FAIL':
      return 'authentication failed';
    case 'NO':
      return 'not authenticated';
    case 'NOT':
      return 'no authentication requested';
    case 'NONE':
      return 'other side does not support STARTTLS';
    case 'CLEAR':
      return 'STARTTLS disabled locally';
    default:
      // Sendmail means to name the word and does not.
      return 'authentication failure';
  }
}

/** `end`: Sendmail's ruleset knows no more to do here, which is as good as met. */
type Met = 'yes' | 'end' | { readonly fault: string };

function meets(extension: string, peer: TlsPeer, terms: TlsRequirementTerms): Met {
  const [, tag = '', wanted = ''] = /^([^:]*)(?::(.*))?$/s.exec(extension) ?? [];
  const { subject = '', issuer = '', commonName = '' } = peer.certificate ?? {};
  switch (tag.toUpperCase()) {
    case 'CN':
      return meetsName(
        wanted === '' ? (extension.includes(':') ? undefined : peer.name) : wanted,
        commonName,
        peer,
        terms,
      );
    case 'CS':
      return meetsText(wanted, subject, 'Cert Subject');
    case 'CI':
      return meetsText(wanted, issuer, 'Cert Issuer');
    case 'CITAG': {
      if (wanted === '' || (wanted.match(TOKENS) ?? []).length !== 1) return 'end';
      const value = terms.issuer(wanted, issuer);
      if (value === undefined) return { fault: `Cert Issuer ${issuer} not acceptable` };
      return value.toUpperCase() === 'OK' ? 'yes' : 'end';
    }
    default:
      return 'end';
  }
}

function meetsText(wanted: string, there: string, what: string): Met {
  if (sameText(wanted, there)) return 'yes';
  return wanted === '' ? 'end' : { fault: `${what} ${there} does not match ${wanted}` };
}

function meetsName(wanted: string | undefined, commonName: string, peer: TlsPeer, terms: TlsRequirementTerms): Met {
  if (wanted === undefined) return commonName === '' ? 'yes' : 'end';
  if (!terms.altNames) return meetsText(wanted, commonName, 'CN');
  const names = peer.certificate?.dnsNames ?? [];
  const listed = (name: string): boolean => names.some((one) => sameText(one, name));
  if (listed(wanted)) return 'yes';
  const dot = wanted.indexOf('.');
  // The feature's second and third rule lose what stands behind CN, and compare the common name with the peer's own.
  if (dot > 0 && listed(`*${wanted.slice(dot)}`)) return 'end';
  return meetsText(peer.name, commonName, 'CN');
}

/** Equal token by token; case does not matter to Sendmail's rules. */
function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The status of a refusal; `permanentError` is TLS_PERM_ERR. */
export function tlsRefusal(lasting: TlsRequirement['lasting'], permanentError: boolean): StatusKey {
  if (lasting === 'permanent') return 'tls-required-permanently';
  if (lasting === 'temporary') return 'tls-required-temporarily';
  return permanentError ? 'tls-required-for-good' : 'tls-required';
}
