/**
 * Which RFCs the code keeps, and where: `node tools/rfc.ts [NUMBER]` lists the citations by RFC. With `--check` it says
 * nothing unless `docs/reference/rfc.md` lacks a number that the code cites, or has one that nothing cites any more.
 */
import { globSync, readFileSync } from 'node:fs';

const DOCUMENT = 'docs/reference/rfc.md';

interface Citation {
  readonly file: string;
  readonly line: number;
  /** `§4.1.1`, or '' when the whole is meant. */
  readonly section: string;
}

const cited = new Map<number, Citation[]>();
for (const file of globSync([
  'src/**/*.ts',
  'tools/**/*.ts',
  'fuzz/**/*.ts',
  'bench/**/*.ts',
  'test/**/*.ts',
  'demo/**/*.ts',
]).toSorted()) {
  for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    for (const [, number, section = ''] of text.matchAll(/\bRFC (\d{3,5})(?: (§[\w.]+\w))?/g)) {
      const list = cited.get(Number(number)) ?? [];
      list.push({ file, line: index + 1, section });
      cited.set(Number(number), list);
    }
  }
}

/** A row of the table begins with the number: `| 5321 | …`. */
const documented = new Set(
  [...readFileSync(DOCUMENT, 'utf8').matchAll(/^\| (\d{3,5}) \|/gm)].map(([, number]) => Number(number)),
);

if (process.argv.includes('--check')) check();
else list(process.argv[2]);

function check(): void {
  const missing = [...cited.keys()].filter((number) => !documented.has(number)).toSorted((a, b) => a - b);
  const stale = [...documented].filter((number) => !cited.has(number)).toSorted((a, b) => a - b);
  for (const number of missing) {
    const first = cited.get(number)?.[0];
    console.error(
      `RFC ${number}, cited in ${first?.file}:${first?.line}, is not in ${DOCUMENT}; add a row: number, how far, known gaps`,
    );
  }
  for (const number of stale)
    console.error(`RFC ${number} is in ${DOCUMENT}, and no code cites it; cite it or take the row out`);
  if (missing.length + stale.length > 0) process.exitCode = 1;
}

function list(wanted: string | undefined): void {
  for (const number of [...cited.keys()].toSorted((a, b) => a - b)) {
    if (wanted !== undefined && Number(wanted) !== number) continue;
    console.log(`RFC ${number}`);
    for (const { file, line, section } of cited.get(number) ?? [])
      console.log(`  ${file}:${line} ${section}`.trimEnd());
  }
}
