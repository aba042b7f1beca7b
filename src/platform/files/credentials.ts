import { readFileSync, statSync } from 'node:fs';
import { authinfoLogin } from '../../relay/delivery/authinfo.ts';
import type { Credentials, Login } from '../../relay/delivery/login.ts';

/**
 * Logins from files, read anew for each connection, so that a changed password counts at once. A file that others can
 * read is refused: the password in it may be known, and nobody else would say so.
 */
export function fileCredentials(authinfo: string | undefined): Credentials {
  const table = authinfo === undefined ? undefined : new AuthinfoFile(authinfo);
  return {
    find(hop, wanted) {
      try {
        if (wanted !== undefined) {
          const { user, passwordFile, mechanisms } = wanted;
          const password = passwordFile === undefined ? undefined : readSecret(passwordFile).replace(/\r?\n$/, '');
          return { user, password, mechanisms };
        }
        return table?.find(hop);
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

function readSecret(path: string): string {
  if ((statSync(path).mode & 0o077) !== 0) throw new Error(`others can read or write ${path}; make it 0600`);
  return readFileSync(path, 'utf8');
}

/** An authinfo table, or an access map with AuthInfo: lines among its others, which may be many: read when it changed. */
class AuthinfoFile {
  readonly #path: string;
  #stamp = '';
  #lines = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Sendmail's own tables are its group's to read. Hops that have no line in it ask for no secret. */
  find(hop: Parameters<Credentials['find']>[0]): Login | undefined {
    const { mode, mtimeMs, size, ino } = statSync(this.#path);
    const stamp = `${ino} ${size} ${mtimeMs}`;
    if (stamp !== this.#stamp) {
      this.#lines = (readFileSync(this.#path, 'utf8').match(/^AuthInfo:.*$/gim) ?? []).join('\n');
      this.#stamp = stamp;
    }
    const login = authinfoLogin(this.#lines, hop);
    if (login !== undefined && (mode & 0o007) !== 0)
      throw new Error(`others can read or write ${this.#path}, which has passwords; make it 0640`);
    return login;
  }
}
