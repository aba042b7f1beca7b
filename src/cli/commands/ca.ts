/** `ca`: the CA itself, its keys and where they are. What touches a key runs in this process, never in the relay's. */
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, type RouteMap, buildCommand, buildRouteMap } from '@stricli/core';
import type { AuthorityReport, CaView, CrlView, authorityState } from '../../admin/authority.ts';
import type { Custody } from '../../app/custody.ts';
import type { Bytes } from '../../base/bytes.ts';
import { givenOrAsked, newPassphrase } from '../ca-passphrase.ts';
import { type CliContext, Printer, directoryOf, operate } from '../context.ts';
import { CliError } from '../exit.ts';
import { detailOf, readGiven } from '../files.ts';
import { type CommonFlags, commonFlags, descriptorFlag, directoryAlias, helpText } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { date, pairs, safe, time } from '../output.ts';
import { exportCommand, importCommand } from './ca-directory.ts';

export function caCommands(messages: Messages): RouteMap<CliContext> {
  return buildRouteMap<string, CliContext>({
    routes: {
      show: showCommand(messages),
      renew: renewCommand(messages),
      root: buildRouteMap<string, CliContext>({
        routes: { export: rootExportCommand(messages), forget: rootForgetCommand(messages) },
        docs: { brief: messages['ca.root.brief'] },
      }),
      lock: lockCommand(messages),
      unlock: unlockCommand(messages),
      relock: relockCommand(messages),
      import: importCommand(messages),
      export: exportCommand(messages),
      signer: signerCommand(messages),
    },
    docs: { brief: messages['ca.brief'] },
  });
}

function showCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const report = (await operate(this, flags, 'ca.show', {})) as AuthorityReport;
      printer.data(report, () => showWords(printer, report));
    },
    parameters: { flags: commonFlags(messages), aliases: directoryAlias },
    docs: { brief: messages['ca.show.brief'], fullDescription: helpText(messages, undefined, ['ca show']) },
  });
}

function showWords(printer: Printer, report: AuthorityReport): string {
  const { root, issuing, rootKey, issuingKey, crl, rootCrl } = report;
  const state = issuingKey.fault ?? printer.say(`ca.key.${issuingKey.state}`);
  return pairs([
    ...caRows(printer, 'ca.root', root),
    [printer.say('ca.rootKey'), printer.say(`ca.rootKey.${rootKey}`)],
    ...caRows(printer, 'ca.issuing', issuing),
    [printer.say('ca.issuingKey'), `${state} (${issuingKey.place})`],
    [printer.say('ca.crl'), crlWords(printer, crl)],
    [printer.say('ca.rootCrl'), crlWords(printer, rootCrl)],
  ]);
}

function caRows(printer: Printer, key: MessageKey, ca: CaView): (readonly [string, string])[] {
  const { subject, serial, fingerprint, key: kind, notBefore, notAfter, file } = ca;
  return [
    [printer.say(key), `${safe(subject)} (${file})`],
    ['', `${kind}, ${date(notBefore)} - ${date(notAfter)}, ${serial}`],
    ['', `SHA-256 ${fingerprint}`],
  ];
}

function crlWords(printer: Printer, crl: CrlView | null): string {
  if (crl === null) return printer.say('ca.crl.none');
  const { number, entries, thisUpdate, nextUpdate } = crl;
  return printer.say('ca.crl.words', {
    number: number ?? '-',
    entries,
    from: time(thisUpdate),
    until: time(nextUpdate),
  });
}

interface KeyFlags extends CommonFlags {
  /** Of the key as it is. */
  readonly caPassphraseFd?: number;
}

interface NewKeyFlags extends KeyFlags {
  /** A new one. */
  readonly passphraseFd?: number;
}

/** Opens the custody of the keys, and closes it whatever happens. */
async function withCustody<T>(context: CliContext, flags: KeyFlags, act: (custody: Custody) => Promise<T>): Promise<T> {
  const custody = await context.reach.custody(directoryOf(context, flags.directory));
  try {
    return await act(custody);
  } finally {
    custody.close();
  }
}

interface RenewFlags extends KeyFlags {
  readonly root?: string;
}

function renewCommand(messages: Messages): Command<CliContext> {
  return buildCommand<RenewFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const exported = flags.root === undefined ? undefined : exportedFile(this, flags.root);
      const renewed = await withCustody(this, flags, (custody) =>
        custody.renew(exported, givenOrAsked(this, flags.caPassphraseFd)),
      );
      printer.data(
        renewed,
        () => `${printer.say('ca.renewed', { before: date(renewed.before), until: date(renewed.notAfter) })}\n`,
      );
    },
    parameters: {
      flags: {
        root: { kind: 'parsed', parse: String, optional: true, brief: messages['ca.renew.root'], placeholder: 'FILE' },
        caPassphraseFd: descriptorFlag(messages, 'ca.fd'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['ca.renew.brief'],
      fullDescription: helpText(messages, messages['ca.renew.more'], [
        'ca renew',
        'ca renew --root /media/usb/root.pem',
      ]),
    },
  });
}

function rootExportCommand(messages: Messages): Command<CliContext> {
  return buildCommand<NewKeyFlags, [string], CliContext>({
    async func(flags, given) {
      const printer = new Printer(this, flags.json);
      const file = resolve(this.workingDirectory, given);
      const passphrase = flags.passphraseFd === undefined ? undefined : await newPassphrase(this, flags.passphraseFd);
      const exported = await withCustody(this, flags, (custody) =>
        custody.exportRoot(
          { file, passphrase, place: async (bytes) => placed(this, file, bytes) },
          givenOrAsked(this, flags.caPassphraseFd),
        ),
      );
      printer.data({ file, passphrase: exported.passphrase ?? null, sha256: exported.sha256 }, () =>
        [
          printer.paint('green', printer.say('ca.root.exported', { file, digest: exported.sha256 })),
          ...(exported.passphrase === undefined
            ? []
            : [printer.say('ca.root.passphrase', { passphrase: printer.paint('bold', exported.passphrase) })]),
          printer.say('ca.root.next', { file }),
          '',
        ].join('\n'),
      );
    },
    parameters: {
      flags: {
        passphraseFd: descriptorFlag(messages, 'ca.export.passphraseFd'),
        caPassphraseFd: descriptorFlag(messages, 'ca.fd'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
      positional: {
        kind: 'tuple',
        parameters: [{ parse: String, brief: messages['ca.root.file'], placeholder: 'FILE' }],
      },
    },
    docs: {
      brief: messages['ca.root.export.brief'],
      fullDescription: helpText(messages, messages['ca.root.export.more'], ['ca root export /media/usb/root.pem']),
    },
  });
}

/** Writes a secret to a new file, synced, and reads it again. */
function placed(context: CliContext, file: string, bytes: Bytes): Uint8Array {
  try {
    const opened = openSync(file, 'wx', 0o600);
    try {
      writeFileSync(opened, bytes);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    return readFileSync(file);
  } catch (error) {
    throw new CliError(
      'failed',
      new Printer(context, false).say('error.writeFile', { path: file, detail: detailOf(error) }),
      error,
    );
  }
}

interface ForgetFlags extends KeyFlags {
  readonly exported: string;
}

function rootForgetCommand(messages: Messages): Command<CliContext> {
  return buildCommand<ForgetFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const exported = exportedFile(this, flags.exported);
      const result = await withCustody(this, flags, (custody) =>
        custody.forgetRoot(exported, givenOrAsked(this, flags.caPassphraseFd)),
      );
      printer.data(
        result,
        () => `${printer.say(result.removed ? 'ca.root.forgotten' : 'ca.root.gone', { file: exported.file })}\n`,
      );
    },
    parameters: {
      flags: {
        exported: { kind: 'parsed', parse: String, brief: messages['ca.root.exportedFile'], placeholder: 'FILE' },
        caPassphraseFd: descriptorFlag(messages, 'ca.fd.export'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['ca.root.forget.brief'],
      fullDescription: helpText(messages, messages['ca.root.forget.more'], [
        'ca root forget --exported /media/usb/root.pem',
      ]),
    },
  });
}

function exportedFile(context: CliContext, given: string): { readonly file: string; readonly bytes: Uint8Array } {
  const file = resolve(context.workingDirectory, given);
  return { file, bytes: readGiven(context, file) };
}

interface LockFlags extends NewKeyFlags {
  readonly remove: boolean;
}

function lockCommand(messages: Messages): Command<CliContext> {
  return buildCommand<LockFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const old = givenOrAsked(this, flags.caPassphraseFd);
      const passphrase = flags.remove ? undefined : await newPassphrase(this, flags.passphraseFd);
      const result = await withCustody(this, flags, (custody) =>
        passphrase === undefined ? custody.unlock(old) : custody.lock(passphrase, old),
      );
      // The relay goes on as before: it is told now, and not when somebody waits for a certificate.
      if (passphrase !== undefined) await handOver(this, flags, passphrase);
      const files = result.changed.join(', ');
      printer.data(result, () =>
        files === ''
          ? `${printer.say('ca.lock.nothing')}\n`
          : `${printer.say(flags.remove ? 'ca.lock.removed' : 'ca.lock.done', { files })}\n`,
      );
    },
    parameters: {
      flags: {
        remove: { kind: 'boolean', default: false, withNegated: false, brief: messages['ca.lock.remove'] },
        passphraseFd: descriptorFlag(messages, 'ca.fd.new'),
        caPassphraseFd: descriptorFlag(messages, 'ca.fd'),
        ...commonFlags(messages),
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['ca.lock.brief'],
      fullDescription: helpText(messages, messages['ca.lock.more'], [
        'ca lock',
        'ca lock --remove',
        'ca lock --passphrase-fd 3 3< passphrase',
      ]),
    },
  });
}

function unlockCommand(messages: Messages): Command<CliContext> {
  return buildCommand<KeyFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const { state, running } = await signerState(this, flags);
      if (!running) throw new CliError('conflict', printer.say('ca.unlock.stopped'));
      if (state === 'locked') {
        const passphrase = await givenOrAsked(this, flags.caPassphraseFd)('keys', 0);
        if (passphrase === undefined) throw new CliError('usage', printer.say('ca.unlock.none'));
        await handOver(this, flags, passphrase);
      }
      const done = { state: state === 'locked' ? 'protected' : state };
      printer.data(done, () => `${printer.say('ca.unlock.done')}\n`);
    },
    parameters: {
      flags: { caPassphraseFd: descriptorFlag(messages, 'ca.fd'), ...commonFlags(messages) },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['ca.unlock.brief'],
      fullDescription: helpText(messages, messages['ca.unlock.more'], [
        'ca unlock',
        'ca unlock --ca-passphrase-fd 3 3< passphrase',
      ]),
    },
  });
}

type SignerState = Awaited<ReturnType<typeof authorityState>>;

async function signerState(context: CliContext, flags: KeyFlags): Promise<SignerState> {
  return (await operate(context, flags, 'ca.state', {})) as SignerState;
}

/**
 * Gives a passphrase to the signer of the running relay, if it needs one. It goes to the signer alone, and to the one
 * that is there now: the relay that carries it cannot read it.
 */
async function handOver(context: CliContext, flags: KeyFlags, passphrase: string): Promise<void> {
  const { state, sealTo, running } = await signerState(context, flags);
  if (!running || state !== 'locked') return;
  const sealed = await withCustody(context, flags, async (custody) => custody.seal(sealTo, passphrase));
  await operate(context, flags, 'ca.unlock', { sealed });
}

function relockCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const result = await operate(this, flags, 'ca.relock', {});
      printer.data(result, () => `${printer.say('ca.relock.done')}\n`);
    },
    parameters: { flags: commonFlags(messages), aliases: directoryAlias },
    docs: { brief: messages['ca.relock.brief'], fullDescription: helpText(messages, undefined, ['ca relock']) },
  });
}

interface SignerFlags {
  readonly directory?: string;
  readonly passphraseFile?: string;
}

function signerCommand(messages: Messages): Command<CliContext> {
  return buildCommand<SignerFlags, [], CliContext>({
    async func(flags) {
      await this.reach.becomeSigner(directoryOf(this, flags.directory), flags.passphraseFile);
    },
    parameters: {
      flags: {
        directory: commonFlags(messages).directory,
        passphraseFile: {
          kind: 'parsed',
          parse: String,
          optional: true,
          brief: messages['ca.signer.passphraseFile'],
          placeholder: 'FILE',
        },
      },
      aliases: directoryAlias,
    },
    docs: {
      brief: messages['ca.signer.brief'],
      fullDescription: helpText(messages, messages['ca.signer.more'], ['ca signer -d /var/lib/sealpost']),
    },
  });
}
