/** The authority's files: whether they are there, and how they come to be. What is there is never overwritten. */
import { generateKey, type KeyKind } from '../ca/keys.ts';
import { asciiDomain, checkDnsName } from '../ca/profile.ts';
import { authorityFiles, createAuthority } from '../ca/setup.ts';
import { checked, type CertificateContext } from './certificate-issue.ts';
import { OperationError } from './errors.ts';

/** What may be chosen for an authority when it is made. */
export interface AuthorityChoices {
  /** Domains whose names alone it may certify, with their subdomains; none: it is not constrained. */
  readonly mailDomains?: readonly string[] | undefined;
  /** Kind of the keys of both CAs; undefined: P-256. */
  readonly key?: KeyKind | undefined;
}

/** Root and issuing CA, unless they are there; gives the paths written. Throws OperationError `conflict` when only some files are there. */
export async function makeAuthority(
  context: CertificateContext,
  names: readonly [hostname: string, ...more: readonly string[]],
  choices: AuthorityChoices,
): Promise<string[]> {
  // The root's key may be kept elsewhere, so it does not count among what must be there.
  if (
    !(await allMissing(context, [
      authorityFiles.rootCertificate,
      authorityFiles.issuingCertificate,
      authorityFiles.issuingKey,
    ]))
  )
    return [];
  if (await isThere(context, authorityFiles.rootKey))
    throw incomplete([authorityFiles.rootKey], [authorityFiles.rootCertificate]);
  const [hostname, ...hosts] = names;
  const { key } = choices;
  const { files } = createAuthority(context.random, context.clock, hostname, {
    keys: key && { root: await generateKey(key), issuing: await generateKey(key) },
    mailDomains: domainsOf(choices.mailDomains ?? []),
    hosts,
  });
  for (const { path, bytes, mode } of files) await context.files.write(path, bytes, mode);
  return files.map(({ path }) => path);
}

/** In lower case and A-labels, as certificates have them. Throws OperationError `usage` when one is no domain. */
function domainsOf(written: readonly string[]): string[] {
  return checked(() =>
    written.map((text) => {
      const domain = asciiDomain(text.trim().toLowerCase().replace(/^@/, ''));
      checkDnsName(domain, false);
      return domain;
    }),
  );
}

/** Whether all of the files are missing. Some of them are a trace of something that we do not understand: no overwriting. */
export async function allMissing(context: CertificateContext, paths: readonly string[]): Promise<boolean> {
  const there: string[] = [];
  const missing: string[] = [];
  for (const path of paths) ((await isThere(context, path)) ? there : missing).push(path);
  if (there.length > 0 && missing.length > 0) throw incomplete(there, missing);
  return there.length === 0;
}

function incomplete(there: readonly string[], missing: readonly string[]): OperationError {
  return new OperationError(
    'conflict',
    `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there, but not ${missing.join(', ')}`,
    'restore what is missing from a backup; or, if nothing was issued yet, remove the rest and run this again',
  );
}

/** Asked of keys too, so nothing is opened. */
export async function isThere(context: CertificateContext, path: string): Promise<boolean> {
  return await context.files.has(path);
}
