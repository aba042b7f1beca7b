import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** Makes, in `directory`: ca.pem, server.{crt,key} and client.{crt,key}, all ECDSA P-256, by the openssl command. */
export function makeCertificates(directory: string): void {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = (name: string): void =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  key('ca');
  openssl(
    'req',
    '-new',
    '-x509',
    '-sha256',
    '-days',
    '30',
    '-key',
    'ca.key',
    '-subj',
    '/CN=BenchCA',
    '-out',
    'ca.pem',
    '-addext',
    'basicConstraints=critical,CA:true',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  );
  for (const [name, subject, use] of [
    ['server', 'relay.bench.test', 'serverAuth'],
    ['client', 'load.client.test', 'clientAuth'],
  ] as const) {
    key(name);
    openssl('req', '-new', '-sha256', '-key', `${name}.key`, '-subj', `/CN=${subject}`, '-out', `${name}.csr`);
    writeFileSync(
      `${directory}/${name}.ext`,
      `basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${use}\nsubjectAltName=DNS:${subject},DNS:localhost\n`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '30',
      '-sha256',
      '-out',
      `${name}.crt`,
      '-extfile',
      `${name}.ext`,
    );
  }
}
