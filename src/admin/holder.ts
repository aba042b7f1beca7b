/**
 * Issues certificates to holders. A holder's key is made where it is used: here comes its public half or a request, and
 * never more.
 */
import type { Ms } from '../base/clock.ts';
import { chainPem } from '../ca/bundle.ts';
import type { ProfileName } from '../ca/ledger.ts';
import { isAddress, profiles } from '../ca/profile.ts';
import { issueInto, readCsr, signing, type CertificateContext } from './certificate-issue.ts';
import { view, type CertificateView } from './certificate-view.ts';
import { OperationError } from './errors.ts';

const DAY: Ms = 86_400_000;

export interface HolderRequest {
  /** `alice@example.net`, `host.example.net`, `printer-2`. Case does not matter: kept in lower case. */
  readonly holder: string;
  /** Undefined: person for an address, else device. */
  readonly profile?: ProfileName | undefined;
  /** PKCS#10, PEM or DER. */
  readonly csr?: Uint8Array | undefined;
  /** Instead of a CSR: SubjectPublicKeyInfo, DER, of a key that the caller has made. */
  readonly publicKey?: Uint8Array | undefined;
  /** Undefined: as long as the profile allows. */
  readonly days?: number | undefined;
  /** For devices, services and servers; undefined: the holder's name. */
  readonly dnsNames?: readonly string[] | undefined;
  /** As SPIFFE has them. */
  readonly uris?: readonly string[] | undefined;
  /** RFC 4514; undefined: that of the CSR, else the holder as common name. */
  readonly subject?: string | undefined;
  /** For the issuance log. */
  readonly why?: string | undefined;
}

export interface AddedHolder {
  readonly certificate: CertificateView;
  /** Other certificates of this holder that are active: the new one is for a second device, or follows one that ends. */
  readonly others: readonly CertificateView[];
  /** Certificate, issuing CA and root, PEM. */
  readonly chain: Uint8Array;
  /** What the request asked for and did not get, in words: the profile decides. */
  readonly ignored: readonly string[];
}

/**
 * Issues a certificate to a holder. Throws OperationError: `usage` when the name, CSR, key or days are not fit,
 * `failed` when the authority cannot sign.
 */
export async function addHolder(context: CertificateContext, request: HolderRequest): Promise<AddedHolder> {
  const holder = request.holder.trim().toLowerCase();
  if (holder === '')
    throw new OperationError(
      'usage',
      'no holder was named',
      'give an address such as alice@example.net, or a name such as printer-2',
    );
  if ((request.csr === undefined) === (request.publicKey === undefined))
    throw new OperationError('usage', 'a certificate is for one key: give a request or a public key');
  const profile = request.profile ?? (isAddress(holder) ? 'person' : 'device');
  const life = lifeOf(profile, request.days);
  const csr = request.csr === undefined ? undefined : readCsr(request.csr);
  const others = activeOf(context, holder);

  const { publicKey, subject, why, dnsNames = [], uris = [] } = request;
  const wish = { profile, holder, csr, publicKey, dnsNames, uris, subject, life };
  const issued = await signing(() => issueInto(context, wish, why));
  await context.live?.refresh();
  return {
    certificate: view(issued.record, context.clock.now()),
    others,
    chain: chainPem(issued.certificate, issued.chain),
    ignored: issued.ignored,
  };
}

/** The life of `days`. Throws OperationError `usage` when the profile has none such. */
export function lifeOf(profile: ProfileName, days: number | undefined): Ms | undefined {
  if (!Object.hasOwn(profiles, profile)) {
    throw new OperationError(
      'usage',
      `there is no profile "${profile}"`,
      `profiles are ${Object.keys(profiles).join(', ')}`,
    );
  }
  // The authority knows what the configuration allows.
  const most = profiles[profile].longest / DAY;
  if (days === undefined) return undefined;
  if (!Number.isInteger(days) || days < 1 || days > most)
    throw new OperationError('usage', `${days} days: a ${profile} certificate lives 1 to ${most} days`);
  return days * DAY;
}

function activeOf(context: CertificateContext, holder: string): CertificateView[] {
  const now = context.clock.now();
  return context.ledger
    .find({ holder, state: 'active' })
    .map((record) => view(record, now))
    .filter(({ ended }) => !ended);
}
