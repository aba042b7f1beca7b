/** What the ACME server needs from the rest of the program; `app/acme.ts` puts it together. */
import type { Bytes } from '../../base/bytes.ts';
import type { Clock, Ms } from '../../base/clock.ts';
import type { EventSink } from '../../base/event.ts';
import type { Random } from '../../base/random.ts';
import type { LedgerRecord, RevocationReason } from '../ledger.ts';
import type { ChallengeNet } from './challenge-net.ts';
import type { AcmeStore, HostProfile } from './store.ts';

/** The certificate that an order comes to. Its subject is the CA's to choose: what a CSR says of itself proves nothing. */
export interface HostWish {
  readonly profile: HostProfile;
  readonly holder: string;
  /** SubjectPublicKeyInfo, DER, of a CSR whose signature was checked. */
  readonly publicKey: Bytes;
  readonly names: readonly string[];
  readonly life: Ms | undefined;
}

/** The CA as ACME sees it. `by` is who asked: `acme:` and the account. */
export interface AcmeAuthority {
  /** What the ledger has; undefined: no certificate of ours. */
  certificate(serial: string): LedgerRecord | undefined;
  /** The holder's certificates that were issued at this time or later. */
  issuedSince(holder: string, at: Ms): LedgerRecord[];
  /** Rejects with RequestRefused when the CA will not sign this, with another Error when it cannot now. */
  issue(wish: HostWish, by: string, why: string): Promise<LedgerRecord>;
  /** A new certificate in the place of `current`, which stays good for a while beside it. */
  renew(current: LedgerRecord, wish: HostWish, by: string): Promise<LedgerRecord>;
  /** Withdrawn for good, told to the relay, and in the CRL. */
  revoke(record: LedgerRecord, reason: RevocationReason, by: string): Promise<void>;
  /** What follows a certificate in its chain, without the root, DER. */
  issuers(): Promise<readonly Bytes[]>;
  /** An entry of the issuance log about what is no certificate: accounts, refusals. */
  note(action: 'requested' | 'refused', by: string, holder: string | undefined, detail: string): void;
}

export interface AcmeSettings {
  /** Names by which clients may call this server, lower case, without port: a request made for another is not for us. */
  hosts(): readonly string[];
  /** New orders of one account in an hour. */
  readonly ordersPerHour: number;
}

export interface AcmeServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly store: AcmeStore;
  readonly authority: AcmeAuthority;
  readonly net: ChallengeNet;
  readonly settings: AcmeSettings;
}
