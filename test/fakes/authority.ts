import type { Clock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import {
  usualTerms,
  type AuthorityTerms,
  type IssuedCertificate,
  type IssueRequest,
  type SigningDoor,
} from '../../src/ca/authority.ts';
import { localDoor } from '../../src/ca/authority-local.ts';
import { makeKey, type KeyPair } from '../../src/ca/keys.ts';
import { createAuthority, type AuthorityWishes, type NewAuthority } from '../../src/ca/setup.ts';
import { fakeClock } from './clock.ts';
import { seededRandom } from './random.ts';

/** A whole authority in this process; its keys are new each time. */
export interface TestAuthority {
  readonly made: NewAuthority;
  readonly door: SigningDoor;
  readonly clock: Clock;
  readonly random: Random;
  /** A request with usual values: a person, no key. */
  readonly request: (over?: { readonly [K in keyof IssueRequest]?: IssueRequest[K] }) => IssueRequest;
  /** A certificate with a key made for it. */
  issue(over?: { readonly [K in keyof IssueRequest]?: IssueRequest[K] }): Promise<
    IssuedCertificate & { readonly pair: KeyPair }
  >;
}

/** `clock`: for tests in which a TLS library looks at the time, the machine's. */
export function testAuthority(
  options: {
    readonly clock?: Clock;
    readonly hostname?: string;
    readonly terms?: AuthorityTerms;
  } & AuthorityWishes = {},
): TestAuthority {
  const clock = options.clock ?? fakeClock();
  const random = seededRandom(1);
  const made = createAuthority(random, clock, options.hostname ?? 'mail.example.net', options);
  const door = localDoor({
    root: made.root,
    issuing: made.issuing,
    issuingKey: made.issuingKey,
    terms: options.terms ?? usualTerms,
  });
  const request: TestAuthority['request'] = (over = {}) => ({
    profile: 'person',
    holder: 'alice@example.net',
    csr: undefined,
    publicKey: undefined,
    dnsNames: [],
    uris: [],
    subject: undefined,
    serial: random.bytes(16),
    notBefore: clock.now() - 300_000,
    notAfter: undefined,
    follows: undefined,
    ...over,
  });
  return {
    made,
    door,
    clock,
    random,
    request,
    async issue(over = {}) {
      const pair = makeKey();
      return { ...(await door.issue(request({ publicKey: pair.publicKey, ...over }))), pair };
    },
  };
}
