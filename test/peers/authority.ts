/** Certificate authorities that are not ours, and certificates that ours would never issue: made by the openssl command. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './program.ts';
import type { Identity } from './talk.ts';

/** Where a CA's certificate and key lie. */
export interface Authority extends Identity {
  readonly directory: string;
}

export interface Wish {
  readonly subject: string;
  /** As openssl writes it; undefined: clientAuth. */
  readonly extendedKeyUsage?: string;
  /** `YYYYMMDDHHMMSSZ`; undefined: yesterday, tomorrow. */
  readonly from?: string;
  readonly until?: string;
  /** For `openssl genpkey`; undefined: P-256. */
  readonly key?: readonly string[];
  /** Undefined: SHA-256. */
  readonly digest?: string;
}

const EC = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;
const DAY = 86_400_000;

/** A root CA in a new directory. */
export async function makeAuthority(directory: string, subject: string): Promise<Authority> {
  mkdirSync(directory, { recursive: true });
  const certificate = join(directory, 'ca.crt');
  const key = join(directory, 'ca.key');
  const config = join(directory, 'root.cnf');
  writeFileSync(
    config,
    '[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
  );
  await mustRun('openssl', ['genpkey', ...EC, '-out', key]);
  await mustRun('openssl', [
    ['req', '-new', '-x509', '-config', config, '-subj', subject],
    ['-key', key, '-days', '30', '-out', certificate],
  ]);
  return authorityOf(directory, { certificate, key });
}

/** A CA that is there already, with its files in `directory` for what openssl keeps. */
export function authorityOf(directory: string, { certificate, key }: Identity): Authority {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'index.txt'), '');
  writeFileSync(
    join(directory, 'ca.cnf'),
    [
      '[ca]\ndefault_ca=this',
      `[this]\ndatabase=${join(directory, 'index.txt')}\nnew_certs_dir=${directory}\ncertificate=${certificate}\nprivate_key=${key}`,
      'rand_serial=yes\npolicy=any\nunique_subject=no\nemail_in_dn=yes',
      '[any]\norganizationName=optional\ncommonName=supplied\nemailAddress=optional\n',
    ].join('\n'),
  );
  return { directory, certificate, key };
}

/** A certificate as it was wished for; `name` is that of its files. */
export async function issue(authority: Authority, name: string, wish: Wish): Promise<Identity> {
  const at = (extension: string): string => join(authority.directory, `${name}.${extension}`);
  const { key, request } = await makeRequest(authority.directory, name, wish.subject, wish.key);
  writeFileSync(at('ext'), extensions(wish));
  const [from, until] = [wish.from ?? stamp(Date.now() - DAY), wish.until ?? stamp(Date.now() + DAY)];
  await mustRun('openssl', [
    ['ca', '-batch', '-notext', '-config', join(authority.directory, 'ca.cnf'), '-md', wish.digest ?? 'sha256'],
    ['-extfile', at('ext'), '-startdate', from, '-enddate', until, '-in', request, '-out', at('crt')],
  ]);
  return { certificate: at('crt'), key };
}

/** A certificate that signs itself. */
export async function selfSigned(directory: string, name: string, subject: string): Promise<Identity> {
  const { key, request } = await makeRequest(directory, name, subject);
  const [certificate, ext] = [join(directory, `${name}.crt`), join(directory, `${name}.ext`)];
  writeFileSync(ext, extensions({ subject }));
  await mustRun('openssl', [
    ['x509', '-req', '-in', request, '-signkey', key],
    ['-days', '2', '-extfile', ext, '-out', certificate],
  ]);
  return { certificate, key };
}

/** A key, and a certificate request (PKCS#10) for it, as a holder makes them. */
export async function makeRequest(
  directory: string,
  name: string,
  subject: string,
  wanted: readonly string[] = EC,
): Promise<{ readonly key: string; readonly request: string }> {
  const [key, request] = [join(directory, `${name}.key`), join(directory, `${name}.csr`)];
  await mustRun('openssl', ['genpkey', ...wanted, '-out', key]);
  await mustRun('openssl', ['req', '-new', '-key', key, '-subj', subject, '-out', request]);
  return { key, request };
}

function extensions({ extendedKeyUsage = 'clientAuth' }: Wish): string {
  return `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${extendedKeyUsage}\n`;
}

function stamp(at: number): string {
  return `${new Date(at).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
}
