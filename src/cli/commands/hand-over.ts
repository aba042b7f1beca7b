/**
 * How a certificate is handed over, by `add` and `renew` alike: for a request as PEM, or, when the key is made here, in a
 * bundle with it. The key is in the memory of this command and in that bundle, and nowhere else.
 */
import { resolve } from 'node:path';
import type { FlagParametersForType } from '@stricli/core';
import type { CertificateView } from '../../admin/certificate-view.ts';
import type { ClientFacts } from '../../admin/client-facts.ts';
import { settingsFor, takesPem, targetNames } from '../../admin/client-settings.ts';
import { type CliContext, type Printer, operate } from '../context.ts';
import { CliError, asCliError } from '../exit.ts';
import { openOutputs, readGiven, readPassphrase } from '../files.ts';
import { type CommonFlags, descriptorFlag } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { askNewSecret } from '../prompt.ts';
import { type ShownAddition, additionWords } from './add-words.ts';

const KEYS = ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096', 'ml-dsa-65'] as const;

/** Whose key it is for, and where it goes. */
export interface BundleFlags extends CommonFlags {
  readonly csr?: string;
  readonly makeKey: boolean;
  readonly for?: (typeof targetNames)[number];
  readonly p12?: string;
  readonly pem?: string;
  readonly key?: (typeof KEYS)[number];
  readonly passphraseFd?: number;
  readonly askPassphrase: boolean;
  readonly force: boolean;
}

/** The key to be certified: a request made by its holder, or the public half of one made here. */
export type HolderKey = { readonly csr: Uint8Array } | { readonly publicKey: Uint8Array };

/** A certificate that was issued for it. */
export interface HandedOver {
  readonly certificate: CertificateView;
  readonly others: readonly CertificateView[];
  /** Certificate, issuing CA and root, PEM. */
  readonly chain: Uint8Array;
  /** What the request asked for in vain. */
  readonly ignored?: readonly string[];
  /** What else there is to tell, as data and as words. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly words?: string;
}

interface Handing {
  readonly context: CliContext;
  readonly printer: Printer;
  readonly flags: BundleFlags;
  readonly name: string;
  /** Has the relay issue it. */
  readonly ask: (key: HolderKey) => Promise<HandedOver>;
}

/** Which of the two, and where it goes: the options of a command, without those that all have. */
export function bundleFlags(
  messages: Messages,
): FlagParametersForType<Omit<BundleFlags, keyof CommonFlags | 'force'>, CliContext> {
  const text = (key: MessageKey) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder: 'FILE' }) as const;
  const flag = (key: MessageKey) =>
    ({ kind: 'boolean', default: false, withNegated: false, brief: messages[key] }) as const;
  return {
    csr: text('add.csr'),
    makeKey: flag('add.makeKey'),
    for: { kind: 'enum', values: targetNames, optional: true, brief: messages['add.for'] },
    p12: text('add.p12'),
    pem: text('add.pem'),
    key: { kind: 'enum', values: KEYS, optional: true, brief: messages['add.key'] },
    passphraseFd: descriptorFlag(messages, 'add.passphraseFd'),
    askPassphrase: flag('add.askPassphrase'),
  };
}

/** Whether a key is to be made here; false: for a request, or neither. Throws a CliError for flags that exclude each other. */
export function makesKey(printer: Printer, flags: BundleFlags): boolean {
  const makes = flags.makeKey || (flags.csr === undefined && (flags.p12 ?? flags.pem) !== undefined);
  if (flags.csr !== undefined && (makes || flags.p12 !== undefined))
    throw new CliError('usage', printer.say('error.csrAndBundle'));
  if (!makes && (flags.key !== undefined || flags.passphraseFd !== undefined || flags.askPassphrase))
    throw new CliError('usage', printer.say('error.needsMakeKey'));
  return makes;
}

/** Has a certificate issued for the request, or for a key made here, and writes the files. */
export async function handOver(handing: Handing): Promise<void> {
  if (handing.flags.csr !== undefined) await answer(handing, handing.flags.csr);
  else await bundle(handing);
}

/** A certificate for a request. */
async function answer(handing: Handing, request: string): Promise<void> {
  const { context, flags, name } = handing;
  const csr = readGiven(context, at(context, request));
  const pem = at(context, flags.pem ?? `${fileName(name)}.pem`);
  await issueInto(handing, {
    files: { p12: undefined, pem },
    key: { csr },
    fill: ({ chain }) => Promise.resolve({ p12: undefined, pem: chain }),
    passphrase: undefined,
  });
}

/** A key, its certificate and the bundle of both. */
async function bundle(handing: Handing): Promise<void> {
  const { context, printer, flags, name } = handing;
  const wantsPem = flags.pem !== undefined || takesPem(flags.for);
  const wantsP12 = flags.p12 !== undefined || !(takesPem(flags.for) || (flags.for === undefined && wantsPem));
  const files = {
    p12: wantsP12 ? at(context, flags.p12 ?? `${fileName(name)}.p12`) : undefined,
    pem: wantsPem ? at(context, flags.pem ?? `${fileName(name)}.pem`) : undefined,
  };
  const given = await givenPassphrase(context, printer, flags);
  const { bundlePassphrase, makeHolderKey } = await import('../../admin/holder-bundle.ts');
  const { systemRandom } = await import('../../platform/process/random.ts');
  const random = systemRandom();
  const passphrase = bundlePassphrase(given, random);
  const key = await makeHolderKey(flags.key ?? 'p256', random);
  await issueInto(handing, {
    files,
    key: { publicKey: key.publicKey },
    async fill({ chain, certificate }) {
      const made = key.bundle(chain, certificate.holder);
      return {
        p12: wantsP12 ? await made.p12(flags.for, passphrase) : undefined,
        pem: wantsPem ? made.pem() : undefined,
      };
    },
    passphrase: wantsP12 && given === undefined ? passphrase : undefined,
  });
}

async function givenPassphrase(context: CliContext, printer: Printer, flags: BundleFlags): Promise<string | undefined> {
  if (flags.passphraseFd !== undefined && flags.askPassphrase)
    throw new CliError('usage', printer.say('error.passphraseTwice'));
  if (flags.passphraseFd !== undefined) return readPassphrase(context, flags.passphraseFd);
  if (!flags.askPassphrase) return undefined;
  return await askNewSecret(context, printer.say('ask.bundle'), printer.say('ask.again'));
}

interface Issue {
  readonly files: { readonly p12: string | undefined; readonly pem: string | undefined };
  readonly key: HolderKey;
  /** What goes into the files. */
  fill(
    certificate: HandedOver,
  ): Promise<{ readonly p12: Uint8Array | undefined; readonly pem: Uint8Array | undefined }>;
  /** To be shown. */
  readonly passphrase: string | undefined;
}

async function issueInto({ context, printer, flags, ask }: Handing, issue: Issue): Promise<void> {
  const { files } = issue;
  // The files are opened first: a certificate that cannot be written should never have been issued.
  const outputs = openOutputs(context, [files.p12, files.pem], flags.force);
  try {
    const added = await ask(issue.key);
    const filled = await issue.fill(added);
    outputs.write(files.p12, filled.p12);
    outputs.write(files.pem, filled.pem);
    const here = flags.for === undefined ? undefined : await clientFacts(context, flags);
    const shown: ShownAddition = {
      certificate: added.certificate,
      others: added.others,
      ignored: added.ignored ?? [],
      keyMade: 'publicKey' in issue.key,
      target: flags.for ?? null,
      p12: files.p12 ?? null,
      pem: files.pem ?? null,
      passphrase: issue.passphrase ?? null,
      settings: settingsOf(flags, here, added.certificate.holder, files.pem, 'publicKey' in issue.key),
      root: here?.root ?? null,
    };
    printer.data({ ...shown, ...added.more }, () => additionWords(printer, shown) + (added.words ?? ''));
  } catch (error) {
    outputs.abandon();
    throw asCliError(error);
  }
}

function settingsOf(
  flags: BundleFlags,
  here: ClientFacts | undefined,
  holder: string,
  pem: string | undefined,
  keyIsInIt: boolean,
): string | null {
  if (here === undefined || pem === undefined) return null;
  const key = keyIsInIt ? pem : pem.replace(/\.[^./]*$/, '.key');
  return settingsFor(flags.for, here, holder, { certificate: pem, key }) ?? null;
}

export async function clientFacts(context: CliContext, flags: CommonFlags): Promise<ClientFacts> {
  return (await operate(context, flags, 'client.facts', {})) as ClientFacts;
}

function at(context: CliContext, path: string): string {
  return resolve(context.workingDirectory, path);
}

/** A holder's name as a file name. */
export function fileName(name: string): string {
  return (
    name
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}@._+-]/gu, '_')
      .replace(/^\.+/, '') || 'holder'
  );
}
