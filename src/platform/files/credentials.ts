import { readFileSync, statSync } from 'node:fs';
import { authinfoLogin } from '../../relay/delivery/authinfo.ts';
import type { Credentials } from '../../relay/delivery/login.ts';

/**
 * Logins from files, read anew for each connection, so that a changed password counts at once. A file that others can
 * read is refused: the password in it may be known, and nobody else would say so.
 */
export function fileCredentials(authinfo: string | undefined): Credentials {
  return {
    find(hop, wanted) {
      try {
        if (wanted !== undefined) {
          const { user, passwordFile, mechanisms } = wanted;
          const password = passwordFile === undefined ? undefined : readSecret(passwordFile).replace(/\r?\n$/, '');
          return { user, password, mechanisms };
        }
        return authinfo === undefined ? undefined : authinfoLogin(readSecret(authinfo, 0o007), hop);
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

/** `barred`: permissions that the file must not give. Sendmail's own tables are its group's to read. */
function readSecret(path: string, barred = 0o077): string {
  if ((statSync(path).mode & barred) !== 0)
    throw new Error(`others can read or write ${path}; make it ${barred === 0o077 ? '0600' : '0640'}`);
  return readFileSync(path, 'utf8');
}
