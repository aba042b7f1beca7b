/** `npm run sizes`: the largest source files; look twice at 400 lines. */
import { globSync, readFileSync } from 'node:fs';

const sizes = globSync('src/**/*.ts')
  .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
  .toSorted((a, b) => b.lines - a.lines);
for (const { file, lines } of sizes.slice(0, 20)) console.log(String(lines).padStart(5), file);
