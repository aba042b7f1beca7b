/** What a holder's program is told about this relay: where it is, and by which root it is known. */
import { latin1 } from '../base/bytes.ts';
import { fingerprintOf } from '../ca/keys.ts';
import { authorityFiles } from '../ca/setup.ts';
import { inDirectory } from '../config/settings.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import type { AdminContext } from './context.ts';

export interface ClientFacts {
  readonly hostname: string;
  /** Where mail is handed in; null when no listener is for that. */
  readonly submission: { readonly port: number; readonly tls: 'starttls' | 'implicit' } | null;
  /** Where certificates are asked for; null when HTTPS is off. */
  readonly web: { readonly port: number; /** Only from this machine. */ readonly local: boolean } | null;
  /** The root's file, absolute, and its SHA-256 in lower-case hexadecimal. */
  readonly root: { readonly file: string; readonly fingerprint: string };
}

export async function clientFacts(context: AdminContext): Promise<ClientFacts> {
  const { config, directory, files, live } = context;
  const listening = live?.listening() ?? [];
  const portOf = (name: string, configured: number): number =>
    listening.find((one) => one.name === name)?.port ?? configured;
  const submission =
    config.listeners.find(({ role, tls }) => role === 'submission' && tls === 'starttls') ??
    config.listeners.find(({ role, tls }) => role === 'submission' && tls === 'implicit');
  const { https } = config.web;
  const root = decodePem(latin1(await files.read(authorityFiles.rootCertificate)))[0]?.der ?? new Uint8Array(0);
  return {
    hostname: config.hostname,
    submission:
      submission === undefined
        ? null
        : {
            port: portOf(submission.name, submission.port),
            tls: submission.tls === 'implicit' ? 'implicit' : 'starttls',
          },
    web: https.enabled ? { port: portOf('https', https.port), local: /^(?:127\.|::1$)/.test(https.address) } : null,
    root: { file: inDirectory(directory, authorityFiles.rootCertificate), fingerprint: fingerprintOf(root) },
  };
}
