/**
 * The web listeners in the main thread: which routes there are, and the listeners that have them. A port that cannot be
 * opened is trouble and no more: mail goes on.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdminContext } from '../admin/context.ts';
import { asFault } from '../base/fault.ts';
import { latin1, utf8, type Bytes } from '../base/bytes.ts';
import type { AcmeServer } from '../ca/acme/server.ts';
import { estRoutes, type EstServices } from '../ca/est.ts';
import { ocspRoutes } from '../ca/ocsp-routes.ts';
import { documentRoute, publishedPaths, type Document } from '../ca/publish.ts';
import { authorityFiles } from '../ca/setup.ts';
import type { WebRoute } from '../ca/web.ts';
import type { Config } from '../config/schema.ts';
import { watchedFile, type FileNow } from '../platform/files/watched-file.ts';
import { openWebListener, type OpenWebListener, type WebListenerSettings } from '../platform/http/server.ts';
import type { WebTls } from '../platform/http/server-tls.ts';
import type { TlsMaterial } from '../platform/net/tls-contexts.ts';
import { decodePem, encodePem, pemBlock } from '../protocol/pki/pem.ts';
import type { StatusService } from './responder.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** All that is served, by one line for each part of the CA. Only what is for `http` or `both` is reachable without TLS. */
export function webRoutes(context: AdminContext, status: StatusService, acme: AcmeServer): readonly WebRoute[] {
  return [
    ...documentRoutes(context),
    ...ocspRoutes(() => status.responder),
    ...estRoutes(estServices(context)),
    acme.route,
  ];
}

/** CRLs and CA certificates, DER and PEM, from their files. */
function documentRoutes({ directory }: AdminContext): WebRoute[] {
  const documents = [
    { path: publishedPaths.root, file: authorityFiles.rootCertificate, label: 'CERTIFICATE', maxAge: DAY },
    { path: publishedPaths.issuing, file: authorityFiles.issuingCertificate, label: 'CERTIFICATE', maxAge: DAY },
    { path: publishedPaths.crl, file: authorityFiles.crl, label: 'X509 CRL', maxAge: HOUR },
    { path: publishedPaths.plainCrl, file: authorityFiles.plainCrl, label: 'X509 CRL', maxAge: HOUR },
    { path: publishedPaths.rootCrl, file: authorityFiles.rootCrl, label: 'X509 CRL', maxAge: DAY },
  ];
  return documents.flatMap(({ path, file, label, maxAge }) => {
    const read = watchedFile(join(directory, file));
    const extension = label === 'CERTIFICATE' ? 'crt' : 'crl';
    // Media types by RFC 2585 §4 and RFC 8555 §9.1.
    const type = label === 'CERTIFICATE' ? 'application/pkix-cert' : 'application/pkix-crl';
    return [
      documentRoute(`${path}.${extension}`, type, documentIn(read, label, 'der', maxAge)),
      documentRoute(`${path}.pem`, 'application/x-pem-file', documentIn(read, label, 'pem', maxAge)),
    ];
  });
}

function estServices(context: AdminContext): EstServices {
  const read = async (path: string): Promise<Bytes> =>
    decodePem(latin1(await context.files.read(path)))[0]?.der ?? new Uint8Array(0);
  return {
    issuance: context,
    enrolments: context.enrolments,
    chain: () => Promise.all([authorityFiles.issuingCertificate, authorityFiles.rootCertificate].map(read)),
    overlap: () => context.config.ca.overlap,
    issued: async () => await context.live?.refresh(),
  };
}

/**
 * The document in a file. Taken apart and hashed when the file is another and not for each who asks: a CRL may have
 * megabytes.
 */
function documentIn(
  read: () => Promise<FileNow | undefined>,
  label: string,
  form: 'der' | 'pem',
  maxAge: number,
): () => Promise<Document | undefined> {
  let last: FileNow | undefined;
  let content: { readonly body: Bytes; readonly tag: string } | undefined;
  return async () => {
    const file = await read();
    if (file !== last) content = file && contentOf(file, label, form);
    last = file;
    if (file === undefined || content === undefined) return undefined;
    const { body, tag } = content;
    return { body, freshness: { tag, modifiedAt: file.modifiedAt, until: Date.now() + maxAge } };
  };
}

function contentOf(
  { bytes }: FileNow,
  label: string,
  form: 'der' | 'pem',
): { readonly body: Bytes; readonly tag: string } | undefined {
  const der = pemBlock(bytes, label);
  if (der === undefined) return undefined;
  const body = form === 'der' ? der : utf8(encodePem(label, der));
  return { body, tag: createHash('sha256').update(body).digest('base64url').slice(0, 22) };
}

/** The server certificate of the SMTP side; client certificates are believed when our own CA issued them, and no other. */
export function webMaterial(config: Config, directory: string, material: TlsMaterial): WebTls {
  const { certificate, key, minimum, staple } = material;
  const own = config.tls.ownAuthority ? [authorityFiles.rootCertificate, authorityFiles.issuingCertificate] : [];
  const authorities = own.map((path) => readFileSync(join(directory, path), 'utf8'));
  return { certificate, key, authorities, staple, ...(minimum === undefined ? {} : { minimum }) };
}

export interface WebParts {
  readonly routes: readonly WebRoute[];
  readonly tls: WebTls;
  readonly onTrouble: (detail: string) => void;
}

/** What `status` lists, in the words of its other listeners. */
export interface WebListening {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tls: 'none' | 'implicit';
  /** Why it is not open; undefined: it is. */
  readonly fault?: string | undefined;
}

/** The web listeners of a running relay. */
export class Web {
  #parts: WebParts;
  #open: OpenWebListener[] = [];
  #listening: readonly WebListening[] = [];
  #settings = '';

  constructor(parts: WebParts) {
    this.#parts = parts;
  }

  get listening(): readonly WebListening[] {
    return this.#listening;
  }

  /** Opens what the configuration wants and closes what it wants no more; what stays the same stays open. */
  async configure(config: Config): Promise<void> {
    const wanted = webListeners(config);
    const settings = JSON.stringify(wanted);
    if (settings === this.#settings && this.#listening.every(({ fault }) => fault === undefined)) return;
    this.#settings = settings;
    await this.close(0);
    const listening: WebListening[] = [];
    for (const one of wanted) listening.push(await this.#listen(one));
    this.#listening = listening;
  }

  /** New routes, or a new server certificate, from now on. Throws when the material is unusable. */
  update(parts: Partial<Pick<WebParts, 'routes' | 'tls'>>): void {
    const next = { ...this.#parts, ...parts };
    for (const listener of this.#open) listener.swap(next.tls);
    this.#parts = next;
  }

  async close(grace: number): Promise<void> {
    await Promise.all(this.#open.splice(0).map((listener) => listener.close(grace)));
  }

  async #listen(settings: WebListenerSettings): Promise<WebListening> {
    const { onTrouble } = this.#parts;
    const shown = { name: settings.name, tls: settings.name === 'https' ? 'implicit' : 'none' } as const;
    try {
      const listener = await openWebListener(settings, {
        routes: () => this.#parts.routes,
        tls: settings.name === 'https' ? this.#parts.tls : undefined,
        onTrouble,
      });
      this.#open.push(listener);
      return { ...shown, address: listener.address, port: listener.port };
    } catch (error) {
      const fault = asFault(error).detail;
      onTrouble(fault);
      return { ...shown, address: settings.address, port: settings.port, fault };
    }
  }
}

function webListeners({ web }: Config): WebListenerSettings[] {
  const { connections, connectionsByAddress } = web;
  return (['http', 'https'] as const)
    .filter((name) => web[name].enabled)
    .map((name) => ({ name, address: web[name].address, port: web[name].port, connections, connectionsByAddress }));
}
