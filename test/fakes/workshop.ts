import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates made by the OpenSSL program: an outside opinion on what a certificate is. */
export class Workshop {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'sealpost-net-'));

  read(name: string): string {
    return readFileSync(join(this.directory, name), 'utf8');
  }

  #openssl(...words: string[]): void {
    execFileSync('openssl', words, { cwd: this.directory, stdio: 'pipe' });
  }

  key(name: string): void {
    this.#openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  }

  ca(name: string): void {
    this.key(name);
    this.#openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      `${name}.key`,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-out',
      `${name}.pem`,
    );
  }

  leaf(name: string, ca: string, extension: string, days = '2'): void {
    this.key(name);
    writeFileSync(join(this.directory, `${name}.ext`), extension);
    this.#openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    if (days === 'past') this.#expired(name, ca);
    else
      this.#openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${ca}.pem`,
        '-CAkey',
        `${ca}.key`,
        '-extfile',
        `${name}.ext`,
        '-days',
        days,
        '-out',
        `${name}.pem`,
      );
  }

  /** `openssl x509` of Debian 12 has no way to set dates; `openssl ca` has. */
  #expired(name: string, ca: string): void {
    writeFileSync(join(this.directory, 'index.txt'), '');
    writeFileSync(
      join(this.directory, 'ca.cnf'),
      '[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n',
    );
    this.#openssl(
      'ca',
      '-batch',
      '-config',
      'ca.cnf',
      '-cert',
      `${ca}.pem`,
      '-keyfile',
      `${ca}.key`,
      '-in',
      `${name}.csr`,
      '-startdate',
      '20200101000000Z',
      '-enddate',
      '20200201000000Z',
      '-extfile',
      `${name}.ext`,
      '-notext',
      '-out',
      `${name}.pem`,
    );
  }

  selfSigned(name: string): void {
    this.key(name);
    this.#openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      `${name}.key`,
      '-subj',
      `/CN=${name}`,
      '-addext',
      'extendedKeyUsage=clientAuth',
      '-days',
      '2',
      '-out',
      `${name}.pem`,
    );
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  identity(name: string): { cert: string; key: string } {
    return { cert: this.read(`${name}.pem`), key: this.read(`${name}.key`) };
  }
}
