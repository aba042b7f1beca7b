/** What `add` says: the bundle and how it is imported, or the token and the commands that use it. */
import type { CertificateView } from '../../admin/certificate-view.ts';
import type { ClientFacts } from '../../admin/client-facts.ts';
import { ROOT, colons, enrolmentCommands, packCommand } from '../../admin/client-settings.ts';
import type { Printer } from '../context.ts';
import type { MessageKey } from '../messages/en.ts';
import { date, pairs, safe, time } from '../output.ts';

export interface ShownAddition {
  readonly certificate: CertificateView;
  readonly others: readonly CertificateView[];
  /** What the request asked for in vain. */
  readonly ignored: readonly string[];
  /** The key was made here, and is in the bundle alone. */
  readonly keyMade: boolean;
  readonly target: Parameters<typeof packCommand>[0] | null;
  readonly p12: string | null;
  readonly pem: string | null;
  readonly passphrase: string | null;
  /** Of the program that the target names. */
  readonly settings: string | null;
  readonly root: ClientFacts['root'] | null;
}

/** How a bundle is imported, by target. */
const IMPORTS: Readonly<Partial<Record<string, MessageKey>>> = {
  windows: 'add.import.windows',
  'windows-legacy': 'add.import.windows',
  outlook: 'add.import.windows',
  apple: 'add.import.apple',
  'apple-modern': 'add.import.apple',
  android: 'add.import.android',
  thunderbird: 'add.import.thunderbird',
  java: 'add.import.java',
  openssl: 'add.import.openssl',
};

export function additionWords(printer: Printer, shown: ShownAddition): string {
  const { certificate, others, p12, pem, passphrase, settings, root, keyMade } = shown;
  const { serial, holder, notAfter } = certificate;
  const rows: (readonly [string, string])[] = [];
  if (p12 !== null) rows.push([printer.say('add.bundle'), p12]);
  if (passphrase !== null) rows.push([printer.say('add.passphrase'), printer.paint('bold', passphrase)]);
  if (pem !== null) rows.push([printer.say('add.pemFile'), pem]);
  if (root !== null) rows.push([printer.say('add.root'), `${root.file} (SHA-256 ${colons(root.fingerprint)})`]);
  const lines = [
    printer.paint('green', printer.say('add.done', { serial, holder: safe(holder), until: date(notAfter) })),
    pairs(rows).trimEnd(),
  ];
  if (passphrase !== null) lines.push(printer.say('add.passphrase.once'));
  if (keyMade) lines.push(printer.say('add.keyMade', { holder: safe(holder) }));
  if (p12 !== null) lines.push(importWords(printer, shown.target, p12));
  lines.push(...packWords(printer, shown));
  if (settings !== null) lines.push(printer.say('add.settings', { root: ROOT }), '', settings);
  if (shown.ignored.length > 0) lines.push(printer.say('add.ignored', { what: shown.ignored.map(safe).join(', ') }));
  if (others.length > 0) lines.push(printer.say('add.others', { count: others.length, holder: safe(holder) }));
  return `${lines.join('\n').trimEnd()}\n`;
}

function importWords(printer: Printer, target: ShownAddition['target'], file: string): string {
  return printer.say(IMPORTS[target ?? ''] ?? 'add.use', { file });
}

/** With a request for a target that imports PKCS#12, the holder packs it. */
function packWords(printer: Printer, { keyMade, target, pem, certificate }: ShownAddition): string[] {
  if (keyMade || target === null || pem === null) return [];
  const name = pem.slice(pem.lastIndexOf('/') + 1);
  const files = { certificate: name, key: name.replace(/\.pem$/, '.key') };
  const command = packCommand(target, files, certificate.holder);
  return command === undefined ? [] : [printer.say('add.pack', { target: target ?? '' }), `  ${command}`];
}

/** What the operation gives. */
export interface EnrolmentToken {
  readonly holder: string;
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export interface ShownToken extends EnrolmentToken {
  /** For the holder, one after the other. */
  readonly commands: readonly string[];
  readonly root: ClientFacts['root'];
  /** The place where tokens are used is reached from this machine alone, or not at all. */
  readonly web: 'open' | 'local' | 'off';
}

export function shownToken(made: EnrolmentToken, facts: ClientFacts, file: string): ShownToken {
  const { token, expires, holder } = made;
  const commands = enrolmentCommands(facts, holder, file);
  return { holder, token, expires, commands, root: facts.root, web: webOf(facts) };
}

function webOf({ web }: ClientFacts): ShownToken['web'] {
  if (web === null) return 'off';
  return web.local ? 'local' : 'open';
}

export function tokenWords(printer: Printer, { holder, token, expires, commands, root, web }: ShownToken): string {
  const [fetchRoot = '', checkRoot = '', makeKey = '', enrol = ''] = commands;
  const lines = [
    printer.paint('green', printer.say('token.done', { holder: safe(holder) })),
    pairs([
      [printer.say('token.token'), printer.paint('bold', token)],
      [printer.say('token.until'), time(expires)],
    ]).trimEnd(),
    printer.say('token.once'),
    '',
    printer.say('token.root'),
    `  ${fetchRoot}`,
    `  ${checkRoot}`,
    `  ${colons(root.fingerprint)}`,
    printer.say('token.enrol'),
    `  ${makeKey}`,
    `  ${enrol}`,
  ];
  if (web !== 'open') lines.push('', printer.paint('yellow', printer.say(`token.${web}`)));
  lines.push('', printer.say('token.otherwise', { holder: safe(holder) }));
  return `${lines.join('\n')}\n`;
}
