import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { DialTls } from '../../relay/delivery/dialer.ts';

type Files = Pick<DialTls, 'identity' | 'authorities'>;

interface Known {
  readonly files: Files;
  readonly texts: Texts;
  readonly context: SecureContext;
}

/** What the files had in them. */
interface Texts {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly authorities: string | undefined;
}

export interface RenewedContexts {
  /** How many contexts are new. */
  readonly renewed: number;
  /** What is wrong with files that cannot be used now. */
  readonly faults: readonly string[];
}

/** TLS contexts by identity and authorities. Files are read once; `renew` makes changed ones count for new connections. */
export class ClientContexts {
  readonly #contexts = new Map<string, Known>();

  /** The context, or why there is none: which file could not be used. */
  get({ identity, authorities }: DialTls): SecureContext | string {
    const files = { identity, authorities };
    const known = this.#contexts.get(keyOf(files));
    if (known !== undefined) return known.context;
    const made = readContext(files, undefined);
    if (typeof made === 'string') return made;
    this.#contexts.set(keyOf(files), made);
    return made.context;
  }

  /**
   * Reads the files of all contexts again. Those that cannot be used now leave the context that is in force as it is: a
   * pair of certificate and key is changed one file after the other.
   */
  renew(): RenewedContexts {
    const faults: string[] = [];
    let renewed = 0;
    for (const [key, known] of this.#contexts) {
      const made = readContext(known.files, known);
      if (typeof made === 'string') faults.push(made);
      else if (made !== known) {
        this.#contexts.set(key, made);
        renewed += 1;
      }
    }
    return { renewed, faults };
  }
}

function keyOf({ identity, authorities }: Files): string {
  return `${identity?.certificate ?? ''}\n${identity?.key ?? ''}\n${authorities ?? ''}`;
}

/** A context of these files; `known` itself when they have not changed; a text when they cannot be used. */
function readContext(files: Files, known: Known | undefined): Known | string {
  const { identity, authorities } = files;
  const text = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, 'utf8');
  try {
    const texts = {
      certificate: text(identity?.certificate),
      key: text(identity?.key),
      authorities: text(authorities),
    };
    if (known !== undefined && isDeepStrictEqual(texts, known.texts)) return known;
    const { certificate: cert, key, authorities: ca } = texts;
    if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not that of the certificate');
    // A file without a CA would mean that no hop is trusted, which nobody writes on purpose.
    const isBundle = ca === undefined || new X509Certificate(ca).ca;
    if (!isBundle) throw new Error('the first certificate in the file of authorities is no CA');
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(ca === undefined ? {} : { ca }),
    });
    return { files, texts, context };
  } catch (error) {
    const paths = [identity?.certificate, identity?.key, authorities].filter((file) => file !== undefined);
    return `certificate files cannot be used (${paths.join(', ')}): ${(error as Error).message}`;
  }
}
