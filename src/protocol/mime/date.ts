/**
 * Dates of the header, RFC 5322 §3.3: formatting and reading by arithmetic alone, since nothing in `protocol` asks
 * the machine for time or its zone.
 */
import { civil, dayNumber } from '../../base/calendar.ts';
import type { Ms } from '../../base/clock.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

const DAY: Ms = 86_400_000;

/** A date as it is read: the moment, and the offset from UTC of the place that wrote it. */
export interface ParsedDate {
  readonly at: Ms;
  readonly offsetMinutes: number;
}

/**
 * `Tue, 24 Nov 2026 02:21:48 +0000`: the moment `at` as seen by a clock `offsetMinutes` ahead of UTC (-720 to 840).
 * Years 1900 to 9999, as far as RFC 5322 §3.3 goes.
 */
export function formatDate(at: Ms, offsetMinutes: number): string {
  const local = at + offsetMinutes * 60_000;
  const days = Math.floor(local / DAY);
  const seconds = Math.floor((local - days * DAY) / 1000);
  const { year, month, day } = civil(days);
  const weekday = DAYS[(((days + 4) % 7) + 7) % 7] as string; // 1970-01-01 was a Thursday
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const offset = Math.abs(offsetMinutes);
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(offset / 60))}${two(offset % 60)}`;
  return `${weekday}, ${day} ${MONTHS[month - 1] as string} ${String(year).padStart(4, '0')} ${time} ${zone}`;
}

/** `2026-11-24 02:21 UTC`: for text that people read, in which a date of the header would not sort. */
export function timeText(at: Ms): string {
  const days = Math.floor(at / DAY);
  const minutes = Math.floor((at - days * DAY) / 60_000);
  const { year, month, day } = civil(days);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)} ${two(Math.floor(minutes / 60))}:${two(minutes % 60)} UTC`;
}

/** Zones by name (RFC 5322 §4.3); military letters and unknown names count as -0000. */
const ZONES: ReadonlyMap<string, number> = new Map([
  ['UT', 0],
  ['GMT', 0],
  ['Z', 0],
  ['EDT', -240],
  ['EST', -300],
  ['CDT', -300],
  ['CST', -360],
  ['MDT', -360],
  ['MST', -420],
  ['PDT', -420],
  ['PST', -480],
]);

const FORM =
  /^(?:(sun|mon|tue|wed|thu|fri|sat) ?, ?)?(\d{1,2}) ([a-z]{3}) (\d{2,4}) (\d{2}) ?: ?(\d{2})(?: ?: ?(\d{2}))?(?: ([+-]\d{4}|[a-z]{1,5}))?$/i;

/**
 * Reads a date, obsolete forms (RFC 5322 §4.3) and comments included; undefined when it is none. The name of the
 * day is not checked. A second of 60 counts as the next minute's first.
 */
export function parseDate(text: string): ParsedDate | undefined {
  if (text.length > 200) return undefined;
  const plain = withoutComments(text)
    ?.replace(/[ \t\r\n]+/g, ' ')
    .trim();
  const match = plain === undefined ? null : FORM.exec(plain);
  if (match === null) return undefined;
  const month = MONTHS.findIndex((name) => name.toLowerCase() === (match[3] as string).toLowerCase()) + 1;
  const day = Number(match[2]);
  const year = fullYear(match[4] as string);
  const hour = Number(match[5]);
  const minute = Number(match[6]);
  const second = Number(match[7] ?? 0);
  if (month === 0 || day < 1 || day > monthLength(year, month) || hour > 23 || minute > 59 || second > 60)
    return undefined;
  const offsetMinutes = zoneOffset(match[8]);
  if (offsetMinutes === undefined) return undefined;
  const local = dayNumber(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000;
  return { at: local - offsetMinutes * 60_000, offsetMinutes };
}

/** RFC 5322 §4.3: two digits are 2000 to 2049 or 1950 to 1999, three count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) return year < 50 ? year + 2000 : year + 1900;
  return digits.length === 3 ? year + 1900 : year;
}

function zoneOffset(zone: string | undefined): number | undefined {
  if (zone === undefined) return 0;
  if (!/^[+-]/.test(zone)) return ZONES.get(zone.toUpperCase()) ?? 0;
  const minutes = Number(zone.slice(3));
  if (minutes > 59) return undefined;
  const span = Number(zone.slice(1, 3)) * 60 + minutes;
  return zone.startsWith('-') && span !== 0 ? -span : span;
}

/** Text with each comment as a blank; undefined when a parenthesis is left open. */
function withoutComments(text: string): string | undefined {
  if (!text.includes('(')) return text;
  let plain = '';
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '\\' && depth > 0) i++;
    else if (c === '(') depth++;
    else if (c === ')' && depth > 0) {
      if (--depth === 0) plain += ' ';
    } else if (depth === 0) plain += c;
  }
  return depth === 0 ? plain : undefined;
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function monthLength(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
