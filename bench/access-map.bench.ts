/**
 * The access map with ten lines and with a million: what a look-up costs, what memory the map takes, and what a change of
 * the large one costs the running program: until it is in force, and the longest time an event loop did nothing else.
 *
 *     node bench/access-map.bench.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { compileFiles } from '../src/app/tables.ts';
import { compileAccessMap, openAccessMap } from '../src/relay/access/map.ts';

const LARGE = 1_000_000;
const LOOK_UPS = 1_000_000;
const ROUNDS = 7;

const keyOf = (i: number): string =>
  i % 3 === 0
    ? `Connect:10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    : i % 3 === 1
      ? `From:user${i}@d${i}.example.net`
      : `CERTSUBJECT:/C=JP/O=Example/CN=user+20${i}`;

function textOf(lines: number): Buffer {
  const parts: string[] = [];
  for (let i = 0; i < lines; i++) parts.push(`${keyOf(i)} ${i % 2 === 0 ? 'RELAY' : 'REJECT'}\n`);
  return Buffer.from(parts.join(''));
}

/** Nanoseconds of a look-up; the same keys in ten thousand places of the map, as clients come back, and all keys. */
function measure(lines: number): { readonly hot: number; readonly cold: number; readonly octets: number } {
  const { table } = compileAccessMap(textOf(lines));
  const map = openAccessMap(table, 'access');
  const time = (places: number): number => {
    let seed = 1;
    const keys = Array.from({ length: places }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return keyOf(Math.floor((seed / 2 ** 32) * lines));
    });
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const began = process.hrtime.bigint();
      let found = 0;
      for (let i = 0; i < LOOK_UPS; i++) if (map.find(keys[i % places] as string) !== undefined) found += 1;
      const took = Number(process.hrtime.bigint() - began) / LOOK_UPS;
      if (found !== LOOK_UPS) throw new Error(`${found} keys found`);
      best = Math.min(best, took);
    }
    return best;
  };
  return { hot: time(1_000), cold: time(200_000), octets: table.byteLength };
}

measure(1_000); // warm
const small = measure(10);
const large = measure(LARGE);
const megabytes = (octets: number): string => `${(octets / 1e6).toFixed(1)} MB`;
console.log(
  `look-up, 1,000 keys asked again and again: 10 lines ${small.hot.toFixed(0)} ns, 1,000,000 lines ${large.hot.toFixed(0)} ns, ratio ${(large.hot / small.hot).toFixed(2)}`,
);
console.log(
  `look-up, 200,000 keys at random:           10 lines ${small.cold.toFixed(0)} ns, 1,000,000 lines ${large.cold.toFixed(0)} ns, ratio ${(large.cold / small.cold).toFixed(2)}`,
);
console.log(`memory, once for all threads: ${megabytes(small.octets)} and ${megabytes(large.octets)}`);

const directory = mkdtempSync(join(tmpdir(), 'sealpost-bench-'));
const file = join(directory, 'access');
writeFileSync(file, textOf(LARGE));
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const began = performance.now();
const compiled = await compileFiles({ kind: 'access', files: [file] }, undefined);
const took = performance.now() - began;
const opening = performance.now();
openAccessMap(compiled.table, compiled.file);
const opened = performance.now() - opening;
delay.disable();
console.log(
  `a change of 1,000,000 lines: read and compiled ${took.toFixed(0)} ms after it was seen (files are looked at each second)`,
);
console.log(
  `longest stall: main thread ${(delay.max / 1e6).toFixed(1)} ms, a thread that serves clients ${opened.toFixed(2)} ms`,
);
rmSync(directory, { recursive: true });
