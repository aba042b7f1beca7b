/**
 * Writes the configuration as a file: each key with its description, and its default as a comment that changes the
 * setting once its `#` is taken away. Made from the schema, so that it cannot fall behind.
 */
import { stringify } from 'yaml';
import { type SchemaNode, configJsonSchema, exampleOf } from './json-schema.ts';

const WIDTH = 110;

/** The text of a fresh `sealpost.yaml`; only `hostname` is set. Loading it gives the defaults. */
export function defaultsFile(hostname: string): string {
  const lines = [
    '# Configuration of Sealpost.',
    '# Settings that are commented out ("#key: value") show their default: take the # away to change one.',
    '# Times are written 30s, 5m, 4h or 2d, sizes 64KB or 50MB (KB is 1,024 octets); paths are relative to this directory.',
    '# `sealpost config check` finds mistakes, `sealpost config show` shows what counts; `kill -HUP` makes a running relay read it again.',
    '',
  ];
  for (const [key, node] of Object.entries(configJsonSchema().properties ?? {})) {
    lines.push(...comment(node.description ?? '', 0));
    if (key === 'hostname') lines.push(`hostname: ${stringify(hostname).trim()}`, '');
    else if (node.properties) lines.push(`${key}:`, ...section(node, 2), '');
    else lines.push(...setting(key, node, 0), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(node: SchemaNode, indent: number): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    const pad = ' '.repeat(indent);
    const words = comment(inner.description ?? '', indent);
    return inner.properties && exampleOf(inner) === undefined
      ? [...words, `${pad}${key}:`, ...section(inner, indent + 2)]
      : [...words, ...setting(key, inner, indent)];
  });
}

/** The key, commented out, with its default or, where it has none, an example. */
function setting(key: string, node: SchemaNode, indent: number): string[] {
  const pad = ' '.repeat(indent);
  const shape = node.items?.properties ? itemKeys(node.items, indent) : [];
  const example = exampleOf(node);
  const list = Array.isArray(node.default) && node.default.length === 0 && example !== undefined;
  const value = node.default === undefined || list ? example : node.default;
  const note = list ? [`${pad}# Empty by default; for example:`] : [];
  return [...shape, ...note, ...yamlLines(key, value).map((line) => `${pad}#${line}`)];
}

/** What the elements of a list may have: told once, above the list. */
function itemKeys(items: SchemaNode, indent: number): string[] {
  return Object.entries(items.properties ?? {}).flatMap(([key, node]) => {
    const initial = node.default === undefined ? '' : ` Default: ${JSON.stringify(node.default).replaceAll('"', '')}.`;
    return comment(`- ${key}: ${node.description ?? ''}${initial}`, indent, '  ');
  });
}

function yamlLines(key: string, value: unknown): string[] {
  return stringify(
    { [key]: value },
    {
      lineWidth: 0,
      flowCollectionPadding: false,
      collectionStyle: Array.isArray(value) && typeof value[0] !== 'object' ? 'flow' : 'any',
    },
  )
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\{(.*)\}$/, '$1'));
}

function comment(text: string, indent: number, hang = ''): string[] {
  const pad = `${' '.repeat(indent)}# `;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && pad.length + line.length + word.length + 1 > WIDTH) {
      lines.push(pad + line);
      line = hang + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, pad + line];
}
