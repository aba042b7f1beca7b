/** Whom Postfix takes mail from, and where to: listeners, TLS with clients, and the restrictions that matter. */
import type { RawConfig } from '../sendmail/convert.ts';
import type { SiteFiles } from '../sendmail/site.ts';
import { splitList } from './main-cf.ts';
import { type SmtpdService, endpointOf, parseMasterCf } from './master-cf.ts';
import type { PostfixReader } from './reader.ts';

export function listeners(reader: PostfixReader, directory: string, files: SiteFiles): object[] {
  const file = `${directory}/master.cf`;
  const text = files.read(file);
  const services: readonly SmtpdService[] =
    text === undefined ? [{ service: 'smtp', line: 1, overrides: new Map() }] : parseMasterCf(text);
  const taken = new Set<string>();
  return services.flatMap((service) => {
    const end = endpointOf(service.service);
    if (end === undefined || taken.has(service.service)) {
      reader.add({ file, line: service.line }, service.service, 'dropped', 'postfix.service', {
        name: service.service,
      });
      return [];
    }
    taken.add(service.service);
    const value = (name: string): string => {
      const own = service.overrides.get(name);
      return own === undefined ? reader.main.get(name) : reader.main.expand(own);
    };
    reader.add({ file, line: service.line }, `${service.service} inet smtpd`, 'kept', undefined, {});
    return [listener(service.service, end, value)];
  });
}

function listener(
  service: string,
  { address, port }: { readonly address: string | undefined; readonly port: number },
  value: (name: string) => string,
): object {
  const level = value('smtpd_tls_security_level') || (value('smtpd_use_tls') === 'yes' ? 'may' : 'none');
  const implicit = value('smtpd_tls_wrappermode') === 'yes';
  const demanded = value('smtpd_tls_req_ccert') === 'yes' && (implicit || level === 'encrypt');
  const asked = demanded || value('smtpd_tls_ask_ccert') === 'yes' || value('smtpd_tls_req_ccert') === 'yes';
  return {
    name: service.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-/, ''),
    address: address ?? '::',
    port,
    role: port === 587 || port === 465 ? 'submission' : 'relay',
    tls: implicit ? 'implicit' : level === 'none' ? 'none' : 'starttls',
    certificates: demanded ? 'require' : asked ? 'ask' : 'no',
  };
}

export function serverTls(reader: PostfixReader): RawConfig {
  const { main } = reader;
  const [chain = ''] = main.list('smtpd_tls_chain_files');
  const certificate = chain || main.get('smtpd_tls_cert_file') || main.get('smtpd_tls_eccert_file');
  const key = chain || main.get('smtpd_tls_eckey_file') || main.get('smtpd_tls_key_file');
  for (const name of [
    'smtpd_tls_chain_files',
    'smtpd_tls_cert_file',
    'smtpd_tls_key_file',
    'smtpd_tls_CAfile',
    'smtpd_tls_CApath',
    'smtpd_tls_ask_ccert',
    'smtpd_tls_req_ccert',
  ])
    if (reader.has(name)) reader.tell(name, 'kept');
  if (reader.has('smtpd_tls_security_level')) {
    const encrypt = main.get('smtpd_tls_security_level') === 'encrypt';
    reader.tell('smtpd_tls_security_level', encrypt ? 'changed' : 'kept', encrypt ? 'postfix.security' : undefined);
  }
  const [file, path] = [main.get('smtpd_tls_CAfile'), main.get('smtpd_tls_CApath')];
  return {
    ...(certificate === '' || certificate === 'none' ? {} : { certificate, key: key || certificate }),
    ...(file === '' ? {} : { authorities: [file] }),
    ...(path === '' ? {} : { authorityPaths: [path] }),
  };
}

/** What the restrictions at RCPT say, as far as they are about who may relay. */
export interface Restrictions {
  readonly networks: boolean;
  readonly sasl: boolean;
  readonly clientCertificates: boolean;
  readonly anyCertificate: boolean;
}

export function restrictions(reader: PostfixReader): Restrictions {
  // Both lists have to let a recipient pass: who is permitted by one alone may not relay.
  const lists = (['smtpd_relay_restrictions', 'smtpd_recipient_restrictions'] as const)
    .map((name) => ({ name, words: splitList(reader.main.get(name)) }))
    .map(({ name, words }) => ({ name, words, guard: words.findIndex((word) => GUARD.test(word)) }));
  for (const { name, words, guard } of lists) if (reader.has(name)) tellList(reader, name, words, guard);
  const guarded = lists.filter(({ guard }) => guard >= 0);
  const permitted = (word: string): boolean =>
    guarded.length > 0 && guarded.every(({ words, guard }) => words.slice(0, guard).includes(word));
  return {
    networks: permitted('permit_mynetworks'),
    sasl: permitted('permit_sasl_authenticated'),
    clientCertificates: permitted('permit_tls_clientcerts'),
    anyCertificate: permitted('permit_tls_all_clientcerts'),
  };
}

/** What ends the question who may relay. */
const GUARD = /^(?:reject_unauth_destination|defer_unauth_destination|reject|defer)$/;
const CARRIED = /^(?:permit_mynetworks|permit_sasl_authenticated|permit_tls_clientcerts|permit_tls_all_clientcerts)$/;

function tellList(
  reader: PostfixReader,
  name: 'smtpd_relay_restrictions' | 'smtpd_recipient_restrictions',
  words: readonly string[],
  guard: number,
): void {
  const others = words.filter((word, index) => !GUARD.test(word) && !(CARRIED.test(word) && index < guard));
  const open = words.indexOf('permit');
  if (words.includes('permit_tls_all_clientcerts')) reader.tell(name, 'dangerous', 'postfix.allClients');
  else if (open >= 0 && (guard < 0 || open < guard)) reader.tell(name, 'dangerous', 'postfix.relayWithoutCheck');
  else if (others.length > 0) reader.tell(name, 'changed', 'postfix.restriction', { words: others.join(', ') });
  else reader.tell(name, 'kept');
}

/** mynetworks in CIDR form. */
export function networks(reader: PostfixReader): string[] {
  if (!reader.has('mynetworks')) {
    // Only this machine is sure: what the interfaces have is not in the file.
    reader.tell('mynetworks', 'changed', 'postfix.networksStyle');
    return ['127.0.0.0/8', '::1/128'];
  }
  const good: string[] = [];
  let others = false;
  for (const written of reader.main.list('mynetworks')) {
    const [, six, four, bits] = /^(?:\[([0-9A-Fa-f:.]+)\]|(\d+(?:\.\d+){3}))(\/\d+)?$/.exec(written) ?? [];
    if (six !== undefined) good.push(`${six}${bits ?? '/128'}`);
    else if (four !== undefined) good.push(`${four}${bits ?? '/32'}`);
    else others = true;
  }
  reader.tell('mynetworks', others ? 'changed' : 'kept', others ? 'postfix.networks' : undefined);
  return good;
}
