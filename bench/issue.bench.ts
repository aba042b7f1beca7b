/**
 * Certificates a second on one core, in this process: proof of possession where there is a request, names, writing,
 * lint and signing by the door with the issuing key. The ledger and the signer's process are not in it.
 *
 *     node bench/issue.bench.ts [seconds]          for each, default: 3
 */
import { localDoor } from '../src/ca/authority-local.ts';
import { usualTerms, type IssueRequest } from '../src/ca/authority.ts';
import { generateKey, makeKey, signerOf, type KeyKind, type KeyPair } from '../src/ca/keys.ts';
import { createAuthority } from '../src/ca/setup.ts';
import { systemClock } from '../src/platform/process/clock.ts';
import { systemRandom } from '../src/platform/process/random.ts';
import { encodeNameOf, encodeSigned } from '../src/protocol/pki/certificate-write.ts';
import { explicit } from '../src/protocol/pki/der-write.ts';
import { integer, sequence } from '../src/protocol/pki/der.ts';
import { oids } from '../src/protocol/pki/oid.ts';

const SECONDS = Number(process.argv[2] ?? 3);
const clock = systemClock();
const random = systemRandom();

const urls = {
  crl: ['http://relay.example.net:8480/crl/issuing.crl'],
  ocsp: ['http://relay.example.net:8480/ocsp'],
  issuer: ['http://relay.example.net:8480/ca/issuing.crt'],
};

function requestOf({ privateKey, publicKey }: KeyPair): Uint8Array {
  const name = encodeNameOf([[oids.commonName, 'alice@example.net']]);
  const info = sequence(integer(0), name, publicKey, explicit(0, new Uint8Array(0)));
  const signer = signerOf(privateKey);
  return encodeSigned(info, signer.algorithm, signer.sign(info));
}

async function measure(what: string, issuingKind: KeyKind, holder: KeyPair, withRequest: boolean): Promise<void> {
  const issuing = await generateKey(issuingKind);
  const made = createAuthority(random, clock, 'relay.example.net', {
    keys: { root: makeKey(), issuing },
    mailDomains: ['example.net'],
  });
  const door = localDoor({ ...made, terms: { ...usualTerms, urls } });
  const csr = withRequest ? requestOf(holder) : undefined;
  const request = (): IssueRequest => ({
    profile: 'person',
    holder: 'alice@example.net',
    csr,
    publicKey: withRequest ? undefined : holder.publicKey,
    dnsNames: [],
    uris: [],
    subject: undefined,
    serial: random.bytes(16),
    notBefore: clock.now() - 300_000,
    notAfter: undefined,
  });
  for (let i = 0; i < 50; i++) await door.issue(request());
  const before = process.cpuUsage();
  const begun = performance.now();
  let count = 0;
  while (performance.now() - begun < SECONDS * 1000) {
    await door.issue(request());
    count += 1;
  }
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - begun) / 1000;
  const cpu = (user + system) / 1e6;
  console.log(
    `${what.padEnd(44)} ${Math.round(count / wall)} /s, ${Math.round(count / cpu)} for a second of CPU, ${((cpu / count) * 1000).toFixed(2)} ms each`,
  );
}

const p256 = makeKey();
await measure('CA P-256, public key', 'p256', p256, false);
await measure('CA P-256, request by P-256', 'p256', p256, true);
await measure('CA P-256, request by RSA 2048', 'p256', await generateKey('rsa2048'), true);
for (const kind of ['p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096', 'ml-dsa-65'] as const)
  await measure(`CA ${kind}, request by P-256`, kind, p256, true);
