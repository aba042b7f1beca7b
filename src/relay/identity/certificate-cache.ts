import { commonName, encodeName } from '../../protocol/pki/name.ts';
import { parseCertificate } from '../../protocol/pki/certificate.ts';
import type { PeerCertificate } from '../connection/connection.ts';
import type { CertificateFacts } from './principal.ts';

/** What we read in certificates that were shown lately, by fingerprint, so that a known holder costs no parsing. */
export interface CertificateCache {
  /** The facts of a certificate; undefined when it cannot be parsed. */
  facts(certificate: PeerCertificate): CertificateFacts | undefined;
}

/** A cache of at most `limit` certificates; the one not used for longest goes first. */
export function certificateCache(limit: number): CertificateCache {
  const known = new Map<string, CertificateFacts | undefined>();
  return {
    facts(certificate) {
      const { fingerprint } = certificate;
      const found = known.get(fingerprint);
      const facts = found !== undefined || known.has(fingerprint) ? found : readFacts(certificate);
      known.delete(fingerprint);
      known.set(fingerprint, facts);
      if (known.size > limit) known.delete(known.keys().next().value as string);
      return facts;
    },
  };
}

/** The facts of a certificate; undefined when it cannot be parsed. */
export function readFacts({ der, fingerprint }: PeerCertificate): CertificateFacts | undefined {
  const certificate = parseCertificate(der);
  if (certificate === undefined) return undefined;
  return {
    subject: encodeName(certificate.subject),
    issuer: encodeName(certificate.issuer),
    commonName: commonName(certificate.subject),
    issuerCommonName: commonName(certificate.issuer),
    serial: certificate.serial,
    fingerprint,
    notAfter: certificate.notAfter,
    emails: certificate.emails,
    dnsNames: certificate.dnsNames,
  };
}
