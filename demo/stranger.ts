/** A holder of a certificate of a CA that the relay does not know: made with the same code as our own. */
import { makeKey } from '../src/ca/keys.ts';
import { usualTerms } from '../src/ca/authority.ts';
import { localDoor } from '../src/ca/authority-local.ts';
import { certificateFile, createAuthority, keyFile } from '../src/ca/setup.ts';
import { systemClock } from '../src/platform/process/clock.ts';
import { systemRandom } from '../src/platform/process/random.ts';

/** Certificate with its chain, and key, PEM. */
export interface Stranger {
  readonly cert: string;
  readonly key: string;
}

export async function stranger(authority: string, holder: string): Promise<Stranger> {
  const [clock, random] = [systemClock(), systemRandom()];
  const { root, issuing, issuingKey } = createAuthority(random, clock, authority);
  const pair = makeKey();
  const { certificate } = await localDoor({ root, issuing, issuingKey, terms: usualTerms }).issue({
    profile: 'person',
    holder,
    csr: undefined,
    publicKey: pair.publicKey,
    dnsNames: [],
    uris: [],
    subject: undefined,
    serial: random.bytes(16),
    notBefore: clock.now() - 60_000,
    notAfter: undefined,
  });
  return { cert: text(certificateFile([certificate, issuing])), key: text(keyFile(pair.privateKey)) };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
