/** Files of keys and values, read and compiled for all threads. Large ones are compiled in a thread of their own, so that no event loop that serves clients waits. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { compileAccessMap, reviewAccessMap } from '../relay/access/map.ts';
import { compileAliases } from '../relay/recipients/alias-file.ts';
import { TableBuilder } from '../relay/table/builder.ts';
import { compileTable } from '../relay/table/compile.ts';
import { readList } from './list-file.ts';
import { tableOf } from './map-file.ts';
import { fileStamp } from './stamp.ts';

/** What is to be compiled. Several files of aliases become one table. */
export interface TableOrder {
  readonly kind: 'access' | 'pairs' | 'aliases';
  readonly files: readonly string[];
}

/** A line that is wrong (it is not in the table), or hardly does what it looks like. */
export interface FileProblem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
  readonly hint: string;
}

export interface CompiledTable {
  /** The first of its files, as trails show it. */
  readonly file: string;
  /** Of all octets it was made of. */
  readonly digest: string;
  readonly table: SharedArrayBuffer;
  /** All files it was made of, included ones too. */
  readonly files: readonly string[];
  readonly problems: readonly FileProblem[];
}

/** The table of a file that is not there. */
export function emptyTable(file: string): CompiledTable {
  return { file, digest: '', table: new TableBuilder(0).finish(), files: [file], problems: [] };
}

/** Larger ones are compiled in a thread of their own: up to here it takes a few milliseconds. */
const LARGE = 128 * 1_024;

/** The files compiled; `known` itself when they are what it was made of. Rejects when a file cannot be read. */
export async function compileFiles(order: TableOrder, known: CompiledTable | undefined): Promise<CompiledTable> {
  const size = order.files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  const made = size <= LARGE ? compileHere(order, known?.digest) : await compileApart(order, known?.digest);
  return made ?? (known as CompiledTable);
}

/** The same in this thread; undefined when the digest is the known one. Throws when a file cannot be read, or changes meanwhile. */
export function compileHere({ kind, files }: TableOrder, known: string | undefined): CompiledTable | undefined {
  const hash = createHash('sha256');
  /** Of all files, those too that cannot be read: they may be mended. */
  const stamps = new Map<string, string>();
  const readNow = (file: string, octetsOf: (file: string) => Buffer = readFileSync): Buffer => {
    stamps.set(file, fileStamp([file]));
    const octets = octetsOf(file);
    hash.update(file).update('\0').update(octets);
    return octets;
  };
  const readIncluded = (file: string, nested: boolean): Buffer => readNow(file, (path) => readList(path, nested));
  const texts = files.map((file) => ({ file, text: readNow(file) }));
  // What aliases include is only known when they have been looked at.
  const early = kind === 'aliases' ? undefined : hash.digest('hex');
  if (early !== undefined && early === known) return undefined;
  const { table, problems } = compileTexts(kind, texts, readIncluded);
  const digest = early ?? hash.digest('hex');
  if (digest === known) return undefined;
  for (const [file, stamp] of stamps)
    if (fileStamp([file]) !== stamp) throw new Error(`${file} is being changed; it is read again`);
  return { file: files[0] ?? '', digest, table, files: [...stamps.keys()], problems };
}

function compileTexts(
  kind: TableOrder['kind'],
  texts: readonly { readonly file: string; readonly text: Buffer }[],
  read: (file: string, nested: boolean) => Buffer,
): Pick<CompiledTable, 'table' | 'problems'> {
  const [first = { file: '', text: Buffer.alloc(0) }] = texts;
  if (kind === 'aliases') return compileAliases(texts, read);
  const compiled = tableOf(first.text, first.file);
  if (compiled !== undefined) return { table: compiled, problems: [] };
  const placed = (problem: Omit<FileProblem, 'file'>): FileProblem => ({ ...problem, file: first.file });
  if (kind === 'pairs') {
    const { table, problems } = compileTable(first.text);
    return { table, problems: problems.map(placed) };
  }
  const { table, errors } = compileAccessMap(first.text);
  return { table, problems: errors.map(placed) };
}

/** Warnings about an access map that is in force; in a thread of its own when it is large. */
export async function reviewFile({ file }: CompiledTable): Promise<readonly FileProblem[]> {
  if (statSync(file).size > LARGE) return (await runApart({ review: file })) as readonly FileProblem[];
  return reviewHere(file);
}

export function reviewHere(file: string): readonly FileProblem[] {
  const octets = readFileSync(file);
  if (tableOf(octets, file) !== undefined) return [];
  return reviewAccessMap(octets).map((problem) => ({ ...problem, file }));
}

/** What the thread is given. */
export type TableWork =
  | { readonly order: TableOrder; readonly known: string | undefined }
  | { readonly review: string };

async function compileApart(order: TableOrder, known: string | undefined): Promise<CompiledTable | undefined> {
  return (await runApart({ order, known })) as CompiledTable | undefined;
}

async function runApart(work: TableWork): Promise<unknown> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./threads/table-thread.${extension}`, import.meta.url), {
    name: 'table',
    workerData: work,
  });
  const done = Promise.withResolvers<unknown>();
  worker.once('message', done.resolve);
  worker.once('error', done.reject);
  worker.once('exit', () => done.reject(new Error('the thread that compiles maps ended')));
  return done.promise;
}
