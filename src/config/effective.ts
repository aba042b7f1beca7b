/** What counts, key by key, and where it comes from: for `sealpost config show`. */
import { LineCounter, parseDocument, stringify } from 'yaml';
import { type SchemaNode, configJsonSchema } from './json-schema.ts';
import { type LoadedConfig, parseConfig, positionOf } from './load.ts';
import { formatDuration, formatSize } from './units.ts';

/** One key. `value` is as an operator writes it; undefined: not set, and there is no default. */
export interface EffectiveKey {
  readonly key: string;
  readonly value: unknown;
  /** `default`, or `file:line` of the setting. */
  readonly source: string;
}

/** All keys that hold a value, in the order of the schema; only problems when the file has any. */
export function effectiveConfig(
  text: string,
  file: string,
): { readonly keys: readonly EffectiveKey[]; readonly problems: LoadedConfig['problems'] } {
  const { config, problems } = parseConfig(text, file);
  if (config === undefined) return { keys: [], problems };
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const keys: EffectiveKey[] = [];
  const walk = (node: SchemaNode, value: unknown, path: readonly string[]): void => {
    for (const [name, below] of Object.entries(node.properties ?? {})) {
      const inner = (value as Record<string, unknown> | undefined)?.[name];
      const here = [...path, name];
      if (below.properties) {
        walk(below, inner, here);
        continue;
      }
      const position = positionOf(document, counter, here);
      const source = position === undefined ? 'default' : `${file}:${position.line}`;
      if (inner !== undefined) keys.push({ key: here.join('.'), value: written(inner, below), source });
    }
  };
  walk(configJsonSchema(), config, []);
  return { keys, problems };
}

/** A value as an operator writes it, on one line. */
export function formatValue(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

function written(value: unknown, node: SchemaNode): unknown {
  if (typeof value !== 'number') return value;
  if (node.format === 'duration') return formatDuration(value);
  return node.format === 'size' ? formatSize(value) : value;
}
