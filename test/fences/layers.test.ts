import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { layerOf, layers, mayImport } from '../../tools/layers.ts';

describe('the import table', () => {
  test('has a row for every folder of src', () => {
    const folders = readdirSync('src', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => entry.parentPath.slice('src/'.length))
      .filter((folder) => folder !== '');
    assert.deepEqual(
      folders.filter((folder) => layerOf(folder) === undefined),
      [],
    );
  });

  test('has no cycle', () => {
    const next = (folder: string): string[] =>
      layers.filter((layer) => layer.folder !== folder && mayImport(folder, layer.folder)).map((layer) => layer.folder);
    const onPath = new Set<string>();
    const done = new Set<string>();
    const visit = (folder: string): void => {
      assert.ok(!onPath.has(folder), `a cycle through ${folder}: ${[...onPath].join(' -> ')}`);
      if (done.has(folder)) return;
      onPath.add(folder);
      for (const other of next(folder)) {
        // The spine stands above its own steps, which share its prefix.
        if (!(folder.startsWith(`${other}/`) || other.startsWith(`${folder}/`))) visit(other);
      }
      onPath.delete(folder);
      done.add(folder);
    };
    for (const layer of layers) visit(layer.folder);
  });
});

/** What must be reported, written into a folder of the table and taken away again. */
const planted: readonly {
  readonly what: string;
  readonly folder: string;
  readonly text: string;
  readonly rule: string;
}[] = [
  {
    what: 'a static import',
    folder: 'protocol/smtp',
    text: "import { Fault } from '../../relay/spool/spool.ts';\nconsole.log(Fault);",
    rule: 'no-restricted-imports',
  },
  {
    what: 'a type import',
    folder: 'ca',
    text: "import type { Verdict } from '../relay/access/verdict.ts';\nexport type A = Verdict;",
    rule: 'no-restricted-imports',
  },
  {
    what: 'a re-export',
    folder: 'relay/schedule',
    text: "export { identify } from '../identity/identify.ts';",
    rule: 'no-restricted-imports',
  },
  {
    what: 'a dynamic import',
    folder: 'relay/access',
    text: "export const late = await import('../session/session.ts');",
    rule: 'no-restricted-imports',
  },
  {
    what: 'an import type',
    folder: 'relay/delivery',
    text: "export type S = import('../spool/spool.ts').SpoolStore;",
    rule: 'consistent-type-imports',
  },
  {
    what: 'a system module',
    folder: 'relay/session',
    text: "import { connect } from 'node:net';\nconsole.log(connect);",
    rule: 'no-restricted-imports',
  },
  {
    what: 'a system module without prefix',
    folder: 'ca',
    text: "import { readFileSync } from 'fs';\nconsole.log(readFileSync);",
    rule: 'no-restricted-imports',
  },
  {
    what: 'the clock of the machine',
    folder: 'relay/outcome',
    text: 'export const now = (): number => Date.now();',
    rule: 'no-restricted-globals',
  },
  {
    what: 'another storage engine',
    folder: 'storage/memory',
    text: "import { openDatabase } from '../sqlite/database.ts';\nconsole.log(openDatabase);",
    rule: 'no-restricted-imports',
  },
  {
    what: 'a way out of src',
    folder: 'base',
    text: "import { layers } from '../../tools/layers.ts';\nconsole.log(layers);",
    rule: 'no-restricted-imports',
  },
  {
    what: 'a floating promise',
    folder: 'relay/message',
    text: 'export function f(): void {\n  Promise.reject(new Error("lost"));\n}',
    rule: 'no-floating-promises',
  },
];

describe('a planted violation is reported', () => {
  // The linter reads real files in real folders, so each is there only while it looks.
  const files = planted.map(({ folder }, index) => `src/${folder}/planted-violation-${index}.ts`);
  const outputs = new Map<string, string>();
  test('by one run of the linter', () => {
    try {
      planted.forEach(({ folder, text }, index) => {
        mkdirSync(`src/${folder}`, { recursive: true });
        writeFileSync(files[index] as string, `${text}\n`);
      });
      const run = spawnSync('node_modules/.bin/oxlint', ['--format=unix', ...files], { encoding: 'utf8' });
      assert.equal(run.status, 1, run.stderr);
      for (const line of run.stdout.split('\n')) {
        const file = files.find((name) => line.includes(name));
        if (file !== undefined) outputs.set(file, `${outputs.get(file) ?? ''}${line}\n`);
      }
    } finally {
      for (const file of files) rmSync(file, { force: true });
    }
  });
  planted.forEach(({ what, rule }, index) => {
    test(what, () => {
      assert.match(outputs.get(files[index] as string) ?? 'not reported', new RegExp(rule));
    });
  });
});
