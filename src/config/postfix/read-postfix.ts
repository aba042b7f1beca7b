/**
 * A Postfix directory as our configuration: main.cf, master.cf and the tables that they name. What has no like here is told
 * and left out; rights are never wider than there.
 */
import type { RawConfig } from '../sendmail/convert.ts';
import type { Finding, SiteFiles } from '../sendmail/site.ts';
import { listeners, networks, restrictions, serverTls, type Restrictions } from './inbound.ts';
import { outbound } from './outbound.ts';
import { PostfixReader } from './reader.ts';

/** A file for the data directory, beside the configuration. */
export interface BesideFile {
  readonly path: string;
  readonly text: string;
}

export interface PostfixSite {
  /** What sealpost.yaml would hold; for our schema. */
  readonly config: RawConfig;
  readonly findings: readonly Finding[];
  readonly files: readonly BesideFile[];
}

/** `hostname`: the machine's own full name. Undefined: there is no main.cf. */
export function readPostfix(directory: string, files: SiteFiles, hostname: string): PostfixSite | undefined {
  const file = `${directory}/main.cf`;
  const text = files.read(file);
  if (text === undefined) return undefined;
  const reader = new PostfixReader(file, text, directory, hostname, files);
  const beside: BesideFile[] = [];
  const said = restrictions(reader);
  const config = {
    hostname: reader.main.get('myhostname'),
    listeners: listeners(reader, directory, files),
    tls: serverTls(reader),
    access: access(reader, said, beside),
    recipients: recipients(reader),
    limits: { messageSize: messageSize(reader) },
    delivery: outbound(reader),
    auth: auth(reader),
  };
  clientCertificates(reader, said, files, beside);
  for (const name of KEPT) if (reader.has(name)) reader.tell(name, 'kept');
  reader.rest();
  const findings = reader.findings.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
  return { config, findings, files: beside };
}

/** Read above, and the same here. */
const KEPT = [
  'myhostname',
  'mydomain',
  'mydestination',
  'relay_domains',
  'relayhost',
  'message_size_limit',
  'smtp_tls_cert_file',
  'smtp_tls_key_file',
  'smtp_tls_CAfile',
  'virtual_alias_domains',
] as const;

/** relay_domains let everybody send there, and nobody from there: that is To: of the access map. */
function access(reader: PostfixReader, said: Restrictions, beside: BesideFile[]): RawConfig {
  const domains = (name: string): string[] =>
    reader.main.list(name).filter((domain) => /^[A-Za-z0-9_.-]+$/.test(domain) && !domain.startsWith('.'));
  const relayed = domains('relay_domains');
  if (relayed.length > 0)
    beside.push({ path: 'access', text: relayed.map((domain) => `To:${domain}\tRELAY\n`).join('') });
  return {
    map: relayed.length > 0 ? 'access' : 'none',
    localDomains: [...new Set([...domains('mydestination'), ...domains('virtual_alias_domains')])],
    trustedNetworks: said.networks ? networks(reader) : [],
    ...(said.sasl ? {} : { trustedMechanisms: [] }),
    ...(said.anyCertificate ? { features: ['verify_ok_relays'] } : {}),
  };
}

function recipients(reader: PostfixReader): RawConfig {
  const aliases = reader.has('alias_maps') ? reader.tables('alias_maps') : [];
  const [virtual] = reader.has('virtual_alias_maps') ? reader.tables('virtual_alias_maps') : [];
  return { ...(aliases.length === 0 ? {} : { aliases }), ...(virtual === undefined ? {} : { virtual }) };
}

function messageSize(reader: PostfixReader): string {
  const size = Number(reader.main.get('message_size_limit'));
  return size > 0 ? `${size}B` : '10GB';
}

function auth(reader: PostfixReader): RawConfig {
  const on = reader.main.get('smtpd_sasl_auth_enable') === 'yes';
  if (reader.has('smtpd_sasl_auth_enable'))
    reader.tell('smtpd_sasl_auth_enable', on ? 'changed' : 'kept', on ? 'postfix.sasl' : undefined);
  return on ? {} : { mechanisms: [] };
}

/** relay_clientcerts: fingerprints, which are rules of a trust here when their digest is SHA-256. */
function clientCertificates(reader: PostfixReader, said: Restrictions, files: SiteFiles, beside: BesideFile[]): void {
  if (!reader.has('relay_clientcerts')) return;
  const digest = reader.main.get('smtpd_tls_fingerprint_digest');
  if (reader.has('smtpd_tls_fingerprint_digest'))
    reader.tell(
      'smtpd_tls_fingerprint_digest',
      digest === 'sha256' ? 'kept' : 'changed',
      digest === 'sha256' ? undefined : 'postfix.fingerprintDigest',
      { digest },
    );
  const rules: string[] = [];
  const rows = reader.rows('relay_clientcerts');
  for (const row of rows) {
    const hex = row.key.replaceAll(':', '').toLowerCase();
    const good = digest === 'sha256' && /^[0-9a-f]{64}$/.test(hex);
    reader.row(row, good ? 'changed' : 'dropped', good ? 'postfix.clientCertificates' : 'postfix.weakDigest');
    // Postfix takes the fingerprint of the certificate or that of its key.
    if (good) rules.push(`certificate:${hex}`, `key:${hex}`);
  }
  const authority = reader.main.get('smtpd_tls_CAfile');
  const pem = authority === '' ? undefined : files.read(authority);
  if (!said.clientCertificates || rules.length === 0) return;
  if (pem === undefined) {
    reader.tell('relay_clientcerts', 'dropped', 'postfix.fingerprintFile');
    return;
  }
  const lines = rules.map((rule) => `  - ${rule}\n`).join('');
  beside.push(
    { path: 'trust/postfix/trust.yaml', text: `relay:\n${lines}` },
    { path: 'trust/postfix/authority.pem', text: pem },
  );
}
