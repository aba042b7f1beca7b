/** `sealpost makemap`: takes the place of Sendmail's in Makefiles, with its letters, its words and its exit codes. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, buildCommand } from '@stricli/core';
import { makemap, unmakemap } from '../../admin/makemap.ts';
import { readMapFile, writeMapFile } from '../../app/map-file.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { helpText } from '../flags.ts';
import { fill } from '../messages/choose.ts';
import type { MessageKey, Messages } from '../messages/en.ts';

interface MakemapFlags {
  readonly append: boolean;
  readonly replace: boolean;
  readonly duplicates: boolean;
  readonly keepCase: boolean;
  readonly verbose: boolean;
  readonly empty: boolean;
  readonly unmake: boolean;
  readonly listTypes: boolean;
  readonly force: boolean;
  readonly withNul: boolean;
  readonly unsafe: boolean;
  readonly comment?: string;
  readonly separator?: string;
  readonly cacheSize?: string;
  readonly config?: string;
  readonly implicit?: string;
}

const TYPES: readonly string[] = ['hash', 'btree', 'text', 'implicit'];
/** EX_CANTCREAT of sysexits.h, makemap's answer to a map that it cannot open or write. */
const CANNOT_CREATE = 73;

/** Stands for what makemap says when it cannot begin. */
class Unopened extends Error {}

export function makemapCommand(messages: Messages): Command<CliContext> {
  const flag = (key: MessageKey) =>
    ({ kind: 'boolean', default: false, withNegated: false, brief: messages[key] }) as const;
  const option = (key: MessageKey, placeholder: string) =>
    ({ kind: 'parsed', parse: String, optional: true, brief: messages[key], placeholder }) as const;
  return buildCommand<MakemapFlags, [string?, string?], CliContext>({
    async func(flags, type, name) {
      if (flags.listTypes) {
        this.process.stdout.write(`${TYPES.join('\n')}\n`);
        return;
      }
      if (type === undefined || name === undefined) throw new CliError('usage', messages['makemap.usage']);
      try {
        this.process.exitCode = await run(this, flags, type, name);
      } catch (error) {
        const why = error instanceof Unopened ? error.message : systemWords(error);
        this.process.stderr.write(`makemap: error opening type ${type} map ${name}: ${why}\n`);
        this.process.exitCode = CANNOT_CREATE;
      }
    },
    parameters: {
      flags: {
        append: flag('makemap.append'),
        replace: flag('makemap.replace'),
        duplicates: flag('makemap.duplicates'),
        keepCase: flag('makemap.keepCase'),
        verbose: flag('makemap.verbose'),
        empty: flag('makemap.empty'),
        unmake: flag('makemap.unmake'),
        listTypes: flag('makemap.listTypes'),
        comment: option('makemap.comment', 'C'),
        separator: option('makemap.separator', 'C'),
        force: flag('makemap.force'),
        withNul: flag('makemap.taken'),
        unsafe: flag('makemap.taken'),
        cacheSize: option('makemap.taken', 'N'),
        config: option('makemap.taken', 'FILE'),
        implicit: option('makemap.taken', 'TYPE'),
      },
      aliases: {
        o: 'append',
        r: 'replace',
        d: 'duplicates',
        f: 'keepCase',
        v: 'verbose',
        e: 'empty',
        u: 'unmake',
        l: 'listTypes',
        D: 'comment',
        t: 'separator',
        N: 'withNul',
        s: 'unsafe',
        c: 'cacheSize',
        C: 'config',
        i: 'implicit',
      },
      positional: {
        kind: 'tuple',
        parameters: [
          { parse: String, brief: messages['makemap.type'], placeholder: 'TYPE', optional: true },
          { parse: String, brief: messages['makemap.file'], placeholder: 'FILE', optional: true },
        ],
      },
    },
    docs: {
      brief: messages['makemap.brief'],
      fullDescription: helpText(messages, messages['makemap.more'], ['makemap hash access < access']),
    },
  });
}

async function run(context: CliContext, flags: MakemapFlags, type: string, name: string): Promise<number> {
  if (!TYPES.includes(type)) throw new Unopened('Unknown database type');
  const path = resolve(context.workingDirectory, name.endsWith('.db') ? name : `${name}.db`);
  statSync(dirname(path));
  const there = readMapFile(path);
  if (flags.unmake) {
    if (there === undefined) throw new Unopened('No such file or directory');
    if (there === 'foreign') throw new Unopened(fill(context.messages, 'makemap.foreign', { path }));
    context.process.stdout.write(unmakemap(there, flags.separator).toString('utf8'));
    return 0;
  }
  if (there === 'foreign' && !flags.force) throw new Unopened(fill(context.messages, 'makemap.foreign', { path }));
  const { append, duplicates, empty, keepCase, replace, verbose, comment = '#', separator } = flags;
  const before = append && there !== 'foreign' ? there : undefined;
  const options = { duplicates, empty, keepCase, replace, verbose, comment, separator };
  const made = makemap(readFileSync(0), name, options, before);
  for (const { kind, text } of made.lines)
    (kind === 'said' ? context.process.stdout : context.process.stderr).write(text);
  await writeMapFile(path, made.table);
  return made.exit;
}

/** As strerror() says it, where makemap's users know the words. */
function systemWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'No such file or directory',
    EACCES: 'Permission denied',
    EISDIR: 'Is a directory',
    ENOTDIR: 'Not a directory',
  };
  return known[code ?? ''] ?? message;
}
