/**
 * A key made for a holder, and the bundle it is handed over in. This runs in the process of the command and nowhere else: the
 * relay is sent the public half and gives back a certificate, so that the key is never in its memory, on its socket or on its disk.
 */
import { makePem, makePkcs12 } from '../ca/bundle.ts';
import { targets, USUAL_RECIPE, type Target } from '../ca/bundle-target.ts';
import { generateKey, type KeyKind } from '../ca/keys.ts';
import { makePassphrase, passphraseFault } from '../ca/passphrase.ts';
import { latin1, type Bytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { OperationError } from './errors.ts';

/** The passphrase of a bundle: the one given, or a new one. Throws OperationError `usage` when the given one is not fit. */
export function bundlePassphrase(given: string | undefined, random: Random): string {
  const fault = given === undefined ? undefined : passphraseFault(given);
  if (fault !== undefined) throw new OperationError('usage', fault);
  return given ?? makePassphrase(random);
}

export interface HolderKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Bytes;
  /** The bundles, when the certificate is there. `chain`: certificate, issuing CA and root, PEM. */
  bundle(chain: Uint8Array, friendlyName: string): HolderBundle;
}

export interface HolderBundle {
  /** As `target` imports it; for one that takes PEM, and for undefined, as most do. */
  p12(target: Target | undefined, passphrase: string): Promise<Bytes>;
  pem(): Bytes;
}

export async function makeHolderKey(kind: KeyKind, random: Random): Promise<HolderKey> {
  const { privateKey, publicKey } = await generateKey(kind);
  return {
    publicKey,
    bundle(pem, friendlyName) {
      const [certificate, ...chain] = decodePem(latin1(pem)).map(({ der }) => der);
      if (certificate === undefined) throw new Error('there is no certificate to bundle');
      const content = { certificate, chain, key: privateKey, friendlyName };
      return {
        p12(target, passphrase) {
          const recipe = target === undefined ? USUAL_RECIPE : targets[target];
          return makePkcs12(content, passphrase, recipe.form === 'pkcs12' ? recipe : USUAL_RECIPE, random);
        },
        pem: () => makePem(content),
      };
    },
  };
}
