import type { CertificatePart } from './certificate-part.ts';
import type { AccessFeature } from './feature.ts';
import type { AccessMap } from './map.ts';

/** Everything decide.ts consults, as one value that is swapped whole when a file changes. */
export interface AccessPolicy {
  /** The access map; undefined: none is configured, so no certificate line can answer. */
  readonly map: AccessMap | undefined;
  /** The map that is named cannot be read, and the configuration says to wait for it: nothing is decided. */
  readonly mapMissing: boolean;
  /** Sendmail's FEATUREs that are on. */
  readonly features: ReadonlySet<AccessFeature>;
  /** The name this host goes by (Sendmail's $j), lower case. */
  readonly hostname: string;
  /** Class w: domains whose mail we accept as ours. Lower case, exact. */
  readonly localDomains: ReadonlySet<string>;
  /** Class R: domains (with subdomains), and octet prefixes of networks, for which we relay. */
  readonly relayDomains: ReadonlySet<string>;
  /** Networks whose clients may relay by address alone; empty by default, loopback included. CIDR. */
  readonly trustedNetworks: readonly string[];
  /** Who authenticated by one of these may relay (Sendmail's TRUST_AUTH_MECH). Upper case. */
  readonly trustedMechanisms: ReadonlySet<string>;
  /** Local parts of local domains that exist, lower case; undefined: all do. */
  readonly localUsers: ReadonlySet<string> | undefined;
  /** Names in the map written with /Email= also match what prints /emailAddress=. */
  readonly emailAlias: boolean;
  /** What of a certificate's names is looked for in the map; undefined: the whole. */
  readonly certificateParts?:
    | { readonly issuer?: CertificatePart | undefined; readonly subject?: CertificatePart | undefined }
    | undefined;
  /** FEATURE(blocklist_recipients). */
  readonly blocklistRecipients: boolean;
  /** FEATURE(delay_checks): connect and MAIL checks are made at RCPT. */
  readonly delayChecks: boolean;
  /** The argument of FEATURE(delay_checks): Spam: entries say who is spared (friend), or who alone is checked (hater). */
  readonly spam?: 'friend' | 'hater' | undefined;
}
