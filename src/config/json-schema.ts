/** The configuration's JSON Schema (2020-12), for editors and for `sealpost config schema`; also what the other files here walk. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** What this program uses of JSON Schema. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  /** Where zod drops `examples`: at values that are parsed, such as sizes. */
  readonly 'x-example'?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string;
  /** `duration` and `size` are ours. */
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** The schema of what the file may say, with descriptions and defaults. */
export function configJsonSchema(): SchemaNode {
  return { title: 'Sealpost configuration', ...z.toJSONSchema(configSchema(), { io: 'input' }) } as SchemaNode;
}

/** The node at a path; undefined where the schema has no such key. */
export function schemaAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    node =
      typeof step === 'number'
        ? node.items
        : Object.hasOwn(node.properties ?? {}, step)
          ? node.properties?.[String(step)]
          : undefined;
  }
  return node;
}

/** A value to show where there is no default. */
export function exampleOf(node: SchemaNode): unknown {
  return node['x-example'] ?? node.examples?.[0];
}

/** What may stand there, in words: `a whole number from 1 to 65535`, `submission or relay`. */
export function expectation(node: SchemaNode | undefined): string {
  if (node === undefined) return 'another value';
  if (node.anyOf) return node.anyOf.map(expectation).join(', or ');
  if (node.const !== undefined) return node.const;
  if (node.enum)
    return node.enum.length === 1
      ? String(node.enum[0])
      : `${node.enum.slice(0, -1).join(', ')} or ${node.enum.at(-1)}`;
  if (node.format === 'duration') return 'a time such as 30s, 5m, 4h or 2d';
  if (node.format === 'size') return 'a size such as 64KB or 50MB';
  switch (node.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number': {
      const kind = node.type === 'integer' ? 'a whole number' : 'a number';
      return node.minimum !== undefined && node.maximum !== undefined
        ? `${kind} from ${node.minimum} to ${node.maximum}`
        : kind;
    }
    case 'array':
      return 'a list';
    case 'object':
      return 'a section of keys';
    default:
      return 'a text';
  }
}
