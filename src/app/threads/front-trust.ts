/** What a front thread trusts of CAs from outside, in step with what its TLS trusts. */
import { BroadcastChannel } from 'node:worker_threads';
import { chainCrypto } from '../../ca/chain-crypto.ts';
import type { ConfiguredLists } from '../../relay/identity/configured-lists.ts';
import type { TlsMaterial } from '../../platform/net/tls-contexts.ts';
import { decodePem } from '../../protocol/pki/pem.ts';
import type { AuthorityCertificate } from '../../relay/identity/chain.ts';
import {
  authorityCertificate,
  foreignTrust,
  type ForeignSnapshot,
  type ForeignTrust,
} from '../../relay/identity/foreign.ts';

/** Where front threads tell each other of intermediates: a session may be resumed in a thread that never saw its chain. */
const CHANNEL = 'sealpost-intermediates';

export interface FrontTrust {
  readonly foreign: ForeignTrust;
  /** What TLS is to be given: the material, with the roots from outside. */
  material(): TlsMaterial;
  /** What is given is put in place; what is not stays. */
  change(next: { readonly snapshot?: ForeignSnapshot; readonly material?: TlsMaterial }): void;
}

export function frontTrust(material: TlsMaterial, snapshot: ForeignSnapshot): FrontTrust {
  const channel = new BroadcastChannel(CHANNEL);
  channel.unref();
  const crypto = chainCrypto({ weak: material.rules?.weakSignatures === true });
  // Not MessagePorts: a BroadcastChannel reaches threads that start later, and none has to know of the others.
  const foreign = foreignTrust(crypto, (ders) => channel.postMessage(ders));
  channel.addEventListener('message', (event) => {
    const { data } = event as unknown as { readonly data: unknown };
    if (Array.isArray(data) && data.every((der) => der instanceof Uint8Array)) foreign.learn(data, Date.now());
  });

  /** Our own CA and `tls.authorities`: chains that end there are none of the rules' business. */
  const others = (): AuthorityCertificate[] =>
    [...material.authorities, ...(material.unnamedAuthorities ?? [])]
      .flatMap((pem) => decodePem(pem))
      .flatMap(({ der }) => authorityCertificate(der, undefined, crypto.issued(der, der), crypto) ?? []);
  const lists = (): ConfiguredLists | undefined => {
    const { revocation } = material;
    return revocation?.incomplete || (revocation?.lists.length ?? 0) > 0 ? revocation : undefined;
  };
  const replace = (): void => {
    const isAsked = snapshot.authorities.length > 0 || lists() !== undefined;
    const certificates = isAsked ? [...snapshot.certificates, ...others()] : [];
    foreign.replace({ ...snapshot, certificates, lists: lists() });
  };
  replace();

  return {
    foreign,
    material: () => ({ ...material, authorities: [...material.authorities, ...snapshot.pem] }),
    change(next) {
      material = next.material ?? material;
      snapshot = next.snapshot ?? snapshot;
      replace();
    },
  };
}
