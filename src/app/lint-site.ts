/** The files of a Sendmail site, for lint: read and nothing else. */
import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type LintChoices, type LintReader, type LintReport, lintSite } from '../admin/lint.ts';
import type { ReadFile } from '../admin/lint-files.ts';
import { siteIn } from './sendmail-site.ts';

/** Queues and databases lie below mail directories, too. */
const LARGEST = 1024 * 1024;
const LARGEST_INDEX = 64 * 1024 * 1024;
const MOST_FILES = 20_000;
const DEEPEST = 5;

/** Lints the site in a directory. Throws an OperationError when there is none. */
export function lintDirectory(directory: string, now: number, choices: LintChoices): LintReport {
  return lintSite(siteIn(directory), reader, now, choices);
}

const reader: LintReader = {
  below(directory) {
    const found: ReadFile[] = [];
    walk(directory, DEEPEST, found);
    return found;
  },
  read(path) {
    try {
      return { path, mode: statSync(path).mode, bytes: new Uint8Array(readFileSync(path)) };
    } catch (error) {
      return isMissing(error) ? 'missing' : 'unreadable';
    }
  },
  list(path) {
    try {
      return readdirSync(path);
    } catch (error) {
      return isMissing(error) ? [] : undefined;
    }
  },
};

function walk(directory: string, depth: number, found: ReadFile[]): void {
  for (const name of (reader.list(directory) ?? []).toSorted()) {
    const path = join(directory, name);
    if (found.length >= MOST_FILES) return;
    const kind = kindOf(path, name);
    if (kind === 'directory' && depth > 0) walk(path, depth - 1, found);
    const file = kind === 'file' ? reader.read(path) : undefined;
    if (typeof file === 'object') found.push(file);
  }
}

/** Links count by what they lead to, but no link leads into a directory: it may lead back. */
function kindOf(path: string, name: string): 'directory' | 'file' | 'other' {
  try {
    if (lstatSync(path).isDirectory()) return 'directory';
    const file = statSync(path);
    return file.isFile() && file.size <= (name === 'index.txt' ? LARGEST_INDEX : LARGEST) ? 'file' : 'other';
  } catch {
    return 'other';
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
