/** What the holder types or pastes, as text: commands and settings for the programs that certificates are made for. */
import { targets, type Target } from '../ca/bundle-target.ts';
import type { ClientFacts } from './client-facts.ts';

export const targetNames: readonly Target[] = Object.keys(targets) as Target[];

/** Whether a target takes one PEM file instead of a PKCS#12 file. */
export function takesPem(target: Target | undefined): boolean {
  return target !== undefined && targets[target].form === 'pem';
}

/** Files of the holder. */
export interface HolderFiles {
  /** Key and certificate in one; or the certificate, when the key is elsewhere. */
  readonly certificate: string;
  readonly key: string;
}

/** Settings of a program that takes PEM, to be pasted; undefined for others. */
export function settingsFor(
  target: Target | undefined,
  facts: ClientFacts,
  holder: string,
  files: HolderFiles,
): string | undefined {
  if (target !== 'msmtp' && target !== 'postfix') return undefined;
  const { hostname } = facts;
  const { port, tls } = facts.submission ?? { port: 587, tls: 'starttls' };
  const lines = target === 'msmtp' ? msmtp(hostname, port, tls, holder, files) : postfix(hostname, port, tls, files);
  return `${lines.join('\n')}\n`;
}

/** Where the root certificate lies on the holder's machine, in these settings. */
export const ROOT = '/etc/sealpost/root.crt';

type Tls = NonNullable<ClientFacts['submission']>['tls'];

function msmtp(host: string, port: number, tls: Tls, holder: string, { certificate, key }: HolderFiles): string[] {
  return [
    'account sealpost',
    `host ${host}`,
    `port ${port}`,
    ...(holder.includes('@') ? [`from ${holder}`] : []),
    'auth off',
    'tls on',
    `tls_starttls ${tls === 'starttls' ? 'on' : 'off'}`,
    `tls_trust_file ${ROOT}`,
    `tls_cert_file ${certificate}`,
    `tls_key_file ${key}`,
  ];
}

function postfix(host: string, port: number, tls: Tls, { certificate, key }: HolderFiles): string[] {
  return [
    `relayhost = [${host}]:${port}`,
    'smtp_tls_security_level = verify',
    ...(tls === 'implicit' ? ['smtp_tls_wrappermode = yes'] : []),
    `smtp_tls_CAfile = ${ROOT}`,
    // Postfix 3.4 and later: key and chain of one file, read and replaced together.
    certificate === key ? `smtp_tls_chain_files = ${certificate}` : `smtp_tls_chain_files = ${key}, ${certificate}`,
  ];
}

/**
 * How the holder of a key packs it for a target, with the certificate that came for its request: our recipe, in OpenSSL's words
 * (1.1 and later). Undefined for a target that takes PEM.
 */
export function packCommand(target: Target | undefined, files: HolderFiles, name: string): string | undefined {
  const recipe = target === undefined ? undefined : targets[target];
  if (recipe?.form !== 'pkcs12') return undefined;
  const algorithms =
    recipe.encryption === 'aes'
      ? '-certpbe AES-256-CBC -keypbe AES-256-CBC -macalg sha256'
      : '-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1';
  const store = recipe.keyProvider === undefined ? '' : ` -CSP ${quote(recipe.keyProvider)}`;
  const { certificate, key } = files;
  return `openssl pkcs12 -export -inkey ${quote(key)} -in ${quote(certificate)} -name ${quote(name)} ${algorithms} -iter 10000${store} -out ${quote(`${stem(certificate)}.p12`)}`;
}

function stem(path: string): string {
  return path.replace(/\.[^./]*$/, '');
}

/** The commands by which a holder makes a key, and gets its certificate with a one-time token (RFC 7030 §4.2). */
export function enrolmentCommands(facts: ClientFacts, holder: string, file: string): string[] {
  const base = `https://${facts.hostname}:${facts.web?.port ?? 443}`;
  const at = (extension: string): string => quote(`${file}.${extension}`);
  const utf8 = /[^\x20-\x7e]/.test(holder) ? ' -utf8' : '';
  return [
    `curl --insecure --output root.crt ${base}/ca/root.pem`,
    'openssl x509 -in root.crt -noout -fingerprint -sha256',
    `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes${utf8} -subj ${quote(`/CN=${escaped(holder)}`)} -keyout ${at('key')} -outform DER | openssl base64 > ${at('req')}`,
    `curl --cacert root.crt --user ${quote(holder)} --header 'Content-Type: application/pkcs10' --data-binary @${at('req')} ${base}/.well-known/est/simpleenroll | openssl base64 -d | openssl pkcs7 -inform DER -print_certs > ${at('pem')}`,
  ];
}

/** What an ACME client is told besides the names. */
export interface AcmeBinding {
  readonly id: string;
  readonly hmacKey: string;
  readonly names: readonly string[];
  readonly directory: string;
}

/** The CA's root, looked at, and then certbot with it: account and first certificate in one command. */
export function certbotCommands(facts: ClientFacts, { id, hmacKey, names, directory }: AcmeBinding): string[] {
  const [fetchRoot = '', checkRoot = ''] = enrolmentCommands(facts, '', '');
  const proof = names.some((name) => name.startsWith('*.')) ? '--manual --preferred-challenges dns' : '--standalone';
  const domains = names.map((name) => `-d ${quote(name)}`).join(' ');
  return [
    fetchRoot,
    checkRoot,
    `REQUESTS_CA_BUNDLE=root.crt certbot certonly ${proof} --server ${directory} --eab-kid=${id} --eab-hmac-key=${hmacKey} --agree-tos --register-unsafely-without-email ${domains}`,
  ];
}

/** The client of the npm package acme-client, in a program started with NODE_EXTRA_CA_CERTS=root.crt. */
export function acmeClientSettings({ id, hmacKey, directory }: AcmeBinding): string {
  const binding = `{ kid: '${id}', hmacKey: '${hmacKey}' }`;
  return `new acme.Client({ directoryUrl: '${directory}', accountKey, externalAccountBinding: ${binding} })`;
}

/** A relative distinguished name in OpenSSL's -subj: `/` and `+` part what follows. */
function escaped(value: string): string {
  return value.replace(/[\\/+]/g, '\\$&');
}

/** A word of the shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A fingerprint as OpenSSL prints it. */
export function colons(fingerprint: string): string {
  return fingerprint.toUpperCase().replace(/..(?=.)/g, '$&:');
}
