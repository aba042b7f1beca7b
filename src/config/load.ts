/**
 * Reads the configuration: YAML text in, Config or problems out, each with line and column. It opens no file.
 * Every problem says where, what, and what to do; a reader of one can go on without this program's source.
 */
import {
  type Document,
  LineCounter,
  type Node,
  type Pair,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
} from 'yaml';
import type { z } from 'zod';
import { type SchemaNode, configJsonSchema, exampleOf, expectation, schemaAt } from './json-schema.ts';
import { nearest } from './nearest.ts';
import { type Config, configSchema } from './schema.ts';

/** Something wrong in a file that an operator wrote. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly todo: string;
}

/** Either a configuration and no problems, or problems and none. */
export interface LoadedConfig {
  readonly config: Config | undefined;
  readonly problems: readonly Problem[];
}

type Path = readonly PropertyKey[];

/** `file:line:column: what; what to do`. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.what}; ${problem.todo}`;
}

/** Reads `text`; `file` is the name that problems carry. */
export function parseConfig(text: string, file: string): LoadedConfig {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, version: '1.2' });
  const at = (offset: number): Pick<Problem, 'file' | 'line' | 'column'> => {
    const { line, col } = counter.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (document.errors.length > 0) {
    return {
      config: undefined,
      problems: document.errors.map((error) => ({ ...at(error.pos[0]), ...yamlWords(error.code, error.message) })),
    };
  }
  const values = read(document);
  if (values instanceof Error)
    return { config: undefined, problems: [{ ...at(0), what: values.message, todo: 'write the values out' }] };
  // Making the JSON Schema takes longer than all the rest: it is made only where it is asked.
  const whole = hasNull(values) ? withoutNulls(values, configJsonSchema()) : values;
  const result = configSchema().safeParse(whole);
  if (result.success) return { config: result.data, problems: [] };
  const root = configJsonSchema();
  const problems = result.error.issues.flatMap((issue) =>
    describe(issue, document, root).map(({ offset, ...words }) => ({ ...at(offset), ...words })),
  );
  return { config: undefined, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** Where a key's value stands in a file, for `config show`; undefined when it is not there. */
export function positionOf(
  document: Document,
  counter: LineCounter,
  path: Path,
): { readonly line: number; readonly column: number } | undefined {
  const node = document.getIn(path, true);
  if (!isNode(node) || (isScalar(node) && node.value === null)) return undefined;
  const { line, col } = counter.linePos(node.range?.[0] ?? 0);
  return { line, column: col };
}

function read(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 }) ?? {};
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error)); // the one failure here: aliases that multiply
  }
}

function hasNull(value: unknown): boolean {
  if (typeof value !== 'object') return false;
  return value === null || Object.values(value).some(hasNull);
}

/** A known key with nothing after it says nothing: sections may stand there with all their keys commented out. */
function withoutNulls(value: unknown, node: SchemaNode | undefined): unknown {
  if (node === undefined) return value;
  if (Array.isArray(value)) return value.map((element) => withoutNulls(element, node.items));
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const below = schemaAt(node, [key]);
    if (inner !== null || below === undefined) kept[key] = withoutNulls(inner, below);
  }
  return kept;
}

/** Keys of earlier versions, and what to write instead. */
const REPLACED: ReadonlyMap<string, string> = new Map([
  [
    'access.trustExternal',
    'for true write trustedMechanisms: [EXTERNAL, PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-256-PLUS], for false leave it out',
  ],
]);

interface Words {
  readonly offset: number;
  readonly what: string;
  readonly todo: string;
}

function describe(issue: z.core.$ZodIssue, document: Document, root: SchemaNode): Words[] {
  const path = issue.path;
  const name = pathName(path);
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schemaAt(root, path)?.properties ?? {});
    return issue.keys.map((key) => {
      const instead = REPLACED.get(pathName([...path, key]));
      if (instead !== undefined)
        return {
          offset: keyOffset(document, path, key),
          what: `${pathName([...path, key])} is no more`,
          todo: instead,
        };
      const near = nearest(key, known);
      const elsewhere = near === undefined ? pathsOf(root).find((other) => other.split('.').at(-1) === key) : undefined;
      return {
        offset: keyOffset(document, path, key),
        what: `unknown key ${pathName([...path, key])}`,
        todo:
          near !== undefined
            ? `did you mean ${near}?`
            : elsewhere !== undefined
              ? `did you mean ${elsewhere}? Mind the indentation`
              : `known here: ${known.join(', ')}`,
      };
    });
  }
  const node = schemaAt(root, path);
  const written = document.getIn(path, true);
  if (!isNode(written) || (isScalar(written) && written.value === null)) {
    const example = node && exampleOf(node);
    return [
      {
        offset: parentOffset(document, path),
        what: `${name} is missing`,
        todo: `write ${String(path.at(-1))}: ${example === undefined ? expectation(node) : JSON.stringify(example).replaceAll('"', '')}`,
      },
    ];
  }
  const said = isScalar(written) ? JSON.stringify(written.value) : isSeq(written) ? 'a list' : 'a section of keys';
  const fitting =
    issue.code === 'custom' ||
    issue.code === 'invalid_format' ||
    (issue.code === 'too_small' && issue.origin === 'array');
  const todo = fitting ? issue.message : `write ${expectation(node)}`;
  const near = isScalar(written) && node?.enum ? nearest(String(written.value), node.enum) : undefined;
  return [
    {
      offset: written.range?.[0] ?? 0,
      what: `${name} is ${said}`,
      todo: near === undefined ? todo : `${todo}; did you mean ${near}?`,
    },
  ];
}

/** `delivery.routes[0].to`. */
function pathName(path: Path): string {
  return (
    path.reduce<string>(
      (text, step) =>
        typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
      '',
    ) || 'the file'
  );
}

function pathsOf(node: SchemaNode, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) => [
    `${prefix}${key}`,
    ...pathsOf(inner, `${prefix}${key}.`),
  ]);
}

function keyOffset(document: Document, path: Path, key: string): number {
  const holder = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(holder)) return 0;
  const pair = holder.items.find(
    (entry): entry is Pair<Node> => isPair(entry) && isScalar(entry.key) && String(entry.key.value) === key,
  );
  return pair?.key.range?.[0] ?? 0;
}

/** Where the nearest thing around a missing key begins: the key that holds it. */
function parentOffset(document: Document, path: Path): number {
  for (let length = path.length - 1; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      const last = path[length - 1];
      return typeof last === 'string' ? keyOffset(document, path.slice(0, length - 1), last) : node.range[0];
    }
  }
  return 0;
}

function yamlWords(code: string, message: string): { what: string; todo: string } {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { what: 'this key stands there twice', todo: 'keep one of them' };
    case 'TAB_AS_INDENT':
      return { what: 'a tab is used to indent', todo: 'use blanks, as YAML asks for' };
    case 'BAD_INDENT':
      return { what: `wrong indentation (${lower(message)})`, todo: 'line it up with its neighbours' };
    case 'MULTIPLE_DOCS':
      return { what: 'a second document begins here (---)', todo: 'keep one document in the file' };
    default:
      return { what: `no YAML: ${lower(message)}`, todo: 'correct it; texts with : or # need quotes' };
  }
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
