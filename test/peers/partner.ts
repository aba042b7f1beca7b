/** A CA from outside as others run one: a root and an intermediate made by the openssl command, with a CRL of its own. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './program.ts';
import type { Identity } from './talk.ts';

const EC = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;
const DAY = 86_400_000;

export interface PartnerWish {
  readonly subject?: string;
  /** As openssl writes subjectAltName. */
  readonly names?: string;
  /** The key of an earlier certificate. */
  readonly key?: string;
  readonly ca?: boolean;
}

export class Partner {
  readonly directory: string;
  /** PEM. */
  readonly root: string;
  readonly issuing: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.root = join(directory, 'root.crt');
    this.issuing = join(directory, 'issuing.crt');
  }

  static async make(directory: string, name: string): Promise<Partner> {
    mkdirSync(directory, { recursive: true });
    const partner = new Partner(directory);
    for (const ca of ['root', 'issuing']) {
      writeFileSync(partner.#at(ca, 'txt'), '');
      writeFileSync(partner.#at(ca, 'number'), '01\n');
      writeFileSync(
        partner.#at(ca, 'cnf'),
        [
          '[req]\nprompt=no\ndistinguished_name=dn\n[dn]\n[ca]\ndefault_ca=this',
          `[this]\ndatabase=${partner.#at(ca, 'txt')}\nnew_certs_dir=${directory}\ncrlnumber=${partner.#at(ca, 'number')}`,
          `certificate=${partner.#at(ca, 'crt')}\nprivate_key=${partner.#at(ca, 'key')}`,
          'rand_serial=yes\npolicy=any\nunique_subject=no\ndefault_md=sha256',
          '[any]\norganizationName=optional\ncommonName=optional\n',
        ].join('\n'),
      );
    }
    await mustRun('openssl', ['genpkey', ...EC, '-out', partner.#at('root', 'key')]);
    await mustRun('openssl', [
      ['req', '-new', '-x509', '-config', partner.#at('root', 'cnf'), '-subj', `/O=${name}/CN=${name} Root`],
      ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      ['-key', partner.#at('root', 'key'), '-days', '400', '-out', partner.root],
    ]);
    await partner.issue('issuing', { subject: `/O=${name}/CN=${name} Issuing`, ca: true }, 'root');
    return partner;
  }

  /** PEM of root and intermediate. */
  get chain(): string {
    return readFileSync(this.issuing, 'utf8') + readFileSync(this.root, 'utf8');
  }

  /** A certificate; the file has the leaf and, for clients, the intermediate. */
  async issue(name: string, wish: PartnerWish, by: string = 'issuing'): Promise<Identity> {
    const key = wish.key ?? this.#at(name, 'key');
    if (wish.key === undefined) await mustRun('openssl', ['genpkey', ...EC, '-out', key]);
    const request = this.#at(name, 'csr');
    await mustRun('openssl', ['req', '-new', '-key', key, '-subj', wish.subject ?? `/CN=${name}`, '-out', request]);
    const ext = this.#at(name, 'ext');
    const kind =
      wish.ca === true
        ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
        : 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\n';
    writeFileSync(ext, kind + (wish.names === undefined ? '' : `subjectAltName=${wish.names}\n`));
    const [from, until] = [stamp(Date.now() - DAY), stamp(Date.now() + 200 * DAY)];
    const leaf = this.#at(name, 'crt');
    await mustRun('openssl', [
      ['ca', '-batch', '-notext', '-config', this.#at('issuing', 'cnf'), '-preserveDN'],
      ['-cert', this.#at(by, 'crt'), '-keyfile', this.#at(by, 'key')],
      ['-extfile', ext, '-startdate', from, '-enddate', until, '-in', request, '-out', leaf],
    ]);
    const whole = this.#at(name, 'chain');
    writeFileSync(whole, readFileSync(leaf, 'utf8'));
    if (by !== 'root') appendFileSync(whole, readFileSync(this.#at(by, 'crt'), 'utf8'));
    return { certificate: whole, key };
  }

  /** The leaf alone. */
  leaf(name: string): string {
    return this.#at(name, 'crt');
  }

  async revoke(name: string, reason = 'keyCompromise'): Promise<void> {
    await mustRun('openssl', [
      ['ca', '-config', this.#at('issuing', 'cnf'), '-revoke', this.#at(name, 'crt'), '-crl_reason', reason],
    ]);
  }

  /** A new CRL of the intermediate, PEM; each has the next number. `seconds`: until its nextUpdate, negative for an old one. */
  async crl(seconds: number = 7 * 86_400): Promise<string> {
    const [from, until] = [stamp(Date.now() - DAY), stamp(Date.now() + seconds * 1000)];
    return mustRun('openssl', [
      ['ca', '-config', this.#at('issuing', 'cnf'), '-gencrl'],
      ['-crl_lastupdate', from, '-crl_nextupdate', until],
    ]).then((said) => said.slice(said.indexOf('-----BEGIN')));
  }

  #at(name: string, extension: string): string {
    return join(this.directory, `${name}.${extension}`);
  }
}

function stamp(at: number): string {
  return `${new Date(at).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
}
