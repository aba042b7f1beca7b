/**
 * Finds the files of a site. The directory may be a copy from another machine, on which paths said /etc/mail: what lies in
 * the copy is taken then, before a file of this machine.
 */
import { basename, dirname, isAbsolute, join, normalize } from 'node:path/posix';
import type { SiteFiles } from './site.ts';

const USUAL = '/etc/mail';

export interface Located {
  readonly path: string;
  readonly exists: boolean;
  /** Not at the path that was written. */
  readonly copied: boolean;
}

export class Locator {
  readonly directory: string;
  readonly files: SiteFiles;
  readonly #names = new Map<string, ReadonlySet<string>>();

  constructor(directory: string, files: SiteFiles) {
    this.directory = directory;
    this.files = files;
  }

  /** A file or directory by its path as written. */
  find(written: string): Located {
    const exact = isAbsolute(written) ? normalize(written) : join(this.directory, written);
    const own = normalize(this.directory).replace(/\/$/, '');
    if (exact.startsWith(`${USUAL}/`) && own !== USUAL) {
      const copy = join(own, exact.slice(USUAL.length));
      if (this.exists(copy)) return { path: copy, exists: true, copied: true };
    }
    if (this.exists(exact)) return { path: exact, exists: true, copied: false };
    const beside = join(own, basename(exact));
    if (this.exists(beside)) return { path: beside, exists: true, copied: true };
    return { path: exact, exists: false, copied: false };
  }

  exists(path: string): boolean {
    const plain = path.replace(/\/+$/, '');
    if (plain === '') return true;
    const folder = dirname(plain);
    const names = this.#names.get(folder) ?? new Set(this.files.list(folder));
    this.#names.set(folder, names);
    return names.has(basename(plain));
  }
}
