import { createHash } from 'node:crypto';
import { readFacts } from '../../src/relay/identity/certificate-cache.ts';
import type { TlsFacts } from '../../src/relay/connection/connection.ts';
import type { HolderEntry } from '../../src/relay/identity/holders.ts';
import { testAuthority } from '../fakes/authority.ts';
import { TLS } from '../fakes/inbound.ts';

/** A holder: what TLS tells of its connections, and its record in the ledger. */
export interface Person {
  readonly tls: TlsFacts;
  readonly record: HolderEntry;
}

/** Who connects to the relay of a simulation. Certificates are real, handshakes are not. */
export interface People {
  /** Name of the issuing CA. */
  readonly issuer: string;
  readonly alice: Person;
  readonly carol: Person;
  /** A good certificate of a CA that is none of ours. */
  readonly foreign: TlsFacts;
  /** No certificate. */
  readonly nobody: TlsFacts;
}

/** Made once for all worlds of a test file: keys take their time. */
export async function makePeople(): Promise<People> {
  const ours = testAuthority();
  const theirs = testAuthority({ hostname: 'mail.example.com' });
  const alice = await person('alice@example.net');
  const carol = await person('carol@example.net');
  const stranger = await theirs.issue({ holder: 'mallory@example.com' });
  return {
    issuer: alice.record.issuer,
    alice,
    carol,
    foreign: { ...shown(stranger.certificate), verifyError: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' },
    nobody: TLS,
  };

  async function person(holder: string): Promise<Person> {
    const tls = shown((await ours.issue({ holder })).certificate);
    const facts = tls.certificate === undefined ? undefined : readFacts(tls.certificate);
    if (facts === undefined) throw new Error('our own certificate cannot be read');
    const { issuer, serial, fingerprint } = facts;
    return { tls, record: { issuer, serial, fingerprint, holder, state: 'active' } };
  }
}

function shown(der: Uint8Array): TlsFacts {
  return { ...TLS, certificate: { der, fingerprint: createHash('sha256').update(der).digest('hex') } };
}
