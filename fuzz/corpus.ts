import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../test/corpus/', import.meta.url);

export interface Input {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The names of all corpora. */
export function corpora(): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** All inputs of a corpus; none when it does not exist. */
export function inputs(name: string): Input[] {
  if (!corpora().includes(name)) return [];
  const from = new URL(`${name}/`, folder);
  return readdirSync(from).map((file) => ({ name: file, bytes: new Uint8Array(readFileSync(new URL(file, from))) }));
}

/** Keeps an input that failed; returns its path. */
export function keep(name: string, kind: 'crash' | 'hang', bytes: Uint8Array): string {
  const to = new URL(`${name}/`, folder);
  mkdirSync(to, { recursive: true });
  const file = new URL(`${kind}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`, to);
  writeFileSync(file, bytes);
  return fileURLToPath(file);
}

/** The target of that name; undefined when there is none. */
export async function loadTarget(name: string): Promise<((bytes: Uint8Array) => void) | undefined> {
  if (!targets().includes(name)) return undefined;
  const module = (await import(`./targets/${name}.ts`)) as { target?: (bytes: Uint8Array) => void };
  return module.target;
}

/** The names of all targets. */
export function targets(): string[] {
  return readdirSync(new URL('./targets/', import.meta.url))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
}
