/** Times and sizes as an operator writes them: `30s`, `5m`, `4d`, `1h30m`; `64KB`, `50MB`. Pure. */
import type { Ms } from '../base/clock.ts';

const SPANS: readonly (readonly [unit: string, span: Ms])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

const SIZES: readonly (readonly [unit: string, octets: number])[] = [
  ['GB', 1_073_741_824],
  ['MB', 1_048_576],
  ['KB', 1_024],
  ['B', 1],
];

/** The grammar of a time, for JSON Schema. */
export const DURATION_PATTERN = '^(0|([0-9]+(ms|s|m|h|d|w))+)$';
/** The grammar of a size, for JSON Schema. */
export const SIZE_PATTERN = '^[0-9]+ ?([KMG]?B)?$';

/** Milliseconds of `30s`, `1h30m` or `0`; undefined when the text is no time. A number without a unit is none: of what? */
export function parseDuration(text: string): Ms | undefined {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdw])/g)) {
    sum += Number(digits) * (SPANS.find(([name]) => name === unit)?.[1] ?? Number.NaN);
  }
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** A time in the largest unit that gives a whole number: 300000 is `5m`, 0 is `0`. */
export function formatDuration(span: Ms): string {
  if (span === 0) return '0';
  for (const [unit, length] of SPANS) if (unit !== 'w' && span % length === 0) return `${span / length}${unit}`;
  return `${Math.round(span)}ms`;
}

/** Octets of `64KB`, `50MB`, `512` or `512B` (KB is 1,024); undefined when the text is no size. Case does not matter. */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d+) ?([KMG]?B)?$/i.exec(text);
  if (!parts) return undefined;
  const unit = (parts[2] ?? 'B').toUpperCase();
  const octets = Number(parts[1]) * (SIZES.find(([name]) => name === unit)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(octets) ? octets : undefined;
}

/** A size in the largest unit that gives a whole number: 65536 is `64KB`. */
export function formatSize(octets: number): string {
  if (octets === 0) return '0B';
  for (const [unit, count] of SIZES) if (octets % count === 0) return `${octets / count}${unit}`;
  return `${octets}B`;
}
