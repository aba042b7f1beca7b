import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { DialTls } from '../../relay/delivery/dialer.ts';
import type { Authorities, ClientIdentity } from '../../relay/delivery/settings.ts';

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
  readonly authorities: readonly string[] | undefined;
  /** Why there is no certificate although one is named. */
  readonly without: string | undefined;
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
  readonly #onTrouble: (detail: string) => void;

  /** `onTrouble` hears, once, that connections go out without the certificate that is named. */
  constructor(onTrouble: (detail: string) => void = () => {}) {
    this.#onTrouble = onTrouble;
  }

  /** The context, or why there is none: which file could not be used. */
  get({ identity, authorities }: DialTls): SecureContext | string {
    const files = { identity, authorities };
    const known = this.#contexts.get(keyOf(files));
    if (known !== undefined) return known.context;
    const made = readContext(files, undefined);
    if (typeof made === 'string') return made;
    this.#keep(made);
    return made.context;
  }

  /**
   * Reads the files of all contexts again. Those that cannot be used now leave the context that is in force as it is: a
   * pair of certificate and key is changed one file after the other.
   */
  renew(): RenewedContexts {
    const faults: string[] = [];
    let renewed = 0;
    for (const known of this.#contexts.values()) {
      const made = readContext(known.files, known);
      if (typeof made === 'string') faults.push(made);
      else if (made !== known) {
        // One that was good is kept while its files are not.
        if (made.texts.without !== undefined && known.texts.without === undefined) {
          faults.push(made.texts.without);
          continue;
        }
        this.#keep(made);
        renewed += 1;
      }
    }
    return { renewed, faults };
  }

  #keep(made: Known): void {
    this.#contexts.set(keyOf(made.files), made);
    if (made.texts.without !== undefined) this.#onTrouble(made.texts.without);
  }
}

function keyOf({ identity, authorities }: Files): string {
  return JSON.stringify([identity, authorities]);
}

/** A context of these files; `known` itself when they have not changed; a text when they cannot be used. */
function readContext(files: Files, known: Known | undefined): Known | string {
  const { identity, authorities } = files;
  try {
    const texts: Texts = { ...readIdentity(identity), authorities: authorities && readAuthorities(authorities) };
    if (known !== undefined && isDeepStrictEqual(texts, known.texts)) return known;
    const { certificate: cert, key, authorities: ca } = texts;
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    return { files, texts, context };
  } catch (error) {
    const paths = [
      identity?.certificate,
      identity?.key,
      ...(authorities?.files ?? []),
      ...(authorities?.directories ?? []),
    ].filter((file) => file !== undefined);
    return `certificate files cannot be used (${paths.join(', ')}): ${(error as Error).message}`;
  }
}

type IdentityTexts = Omit<Texts, 'authorities'>;

const NOTHING: IdentityTexts = { certificate: undefined, key: undefined, without: undefined };

function readIdentity(identity: ClientIdentity | undefined): IdentityTexts {
  if (identity === undefined) return NOTHING;
  const { optional } = identity;
  if (optional === undefined) return readPair(identity);
  try {
    const mode = statSync(identity.key).mode & 0o077;
    const tooMuch = optional.readers === 'any' ? 0 : optional.readers === 'group' ? 0o027 : 0o077;
    if ((mode & tooMuch) !== 0)
      throw new Error(`others can read or write the key; make it ${optional.readers === 'group' ? '0640' : '0600'}`);
    return readPair(identity);
  } catch (error) {
    const without = `no client certificate is shown to next hops (${identity.certificate}, ${identity.key}): ${(error as Error).message}`;
    return { ...NOTHING, without };
  }
}

function readPair({ certificate: certificateFile, key: keyFile }: ClientIdentity): IdentityTexts {
  const certificate = readFileSync(certificateFile, 'utf8');
  const key = readFileSync(keyFile, 'utf8');
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error('the key is not that of the certificate');
  return { certificate, key, without: undefined };
}

/** How `openssl rehash` names links to the certificates of a directory. */
const HASHED = /^[0-9a-f]{8}\.\d+$/;

function readAuthorities({ files, directories }: Authorities): string[] {
  const named = files.map((file) => {
    const text = readFileSync(file, 'utf8');
    // A file without a CA would mean that no hop is trusted, which nobody writes on purpose.
    if (!new X509Certificate(text).ca) throw new Error(`the first certificate in ${file} is no CA`);
    return text;
  });
  const hashed = directories.flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => HASHED.test(name))
      .sort()
      .map((name) => readFileSync(join(directory, name), 'utf8')),
  );
  return [...named, ...hashed];
}
