/**
 * Lists that aliases include (`:include:/home/bob/list`). They belong to whoever keeps the list, who could make them lead
 * to what the relay alone may read, or to what never ends; Sendmail reads them in the name of their owner for that.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** As many addresses as one message may have. */
const LARGEST = 1_024 * 1_024;
const BY_ALL = 0o4;
const THROUGH_BY_ALL = 0o1;

/** The list in a file; `nested`: another list names it, and no operator. Throws an Error that says what is wrong with it. */
export function readList(path: string, nested: boolean): Buffer {
  const real = realpathSync(path);
  // Without O_NONBLOCK a FIFO would be waited for until somebody writes into it.
  const descriptor = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const { mode, size } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error('it is no regular file');
    if (size > LARGEST) throw new Error(`it has more than ${LARGEST} octets`);
    const isNamed = !nested && real === resolve(path);
    if (!isNamed && !((mode & BY_ALL) !== 0 && isOpenToAll(dirname(real))))
      throw new Error(
        `${nested ? 'a list names it' : `a link leads to it (${real})`}, and not every user may read it; name it in the alias itself, or let all read it`,
      );
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether every user gets through the directory and all above it. */
function isOpenToAll(directory: string): boolean {
  if ((statSync(directory).mode & THROUGH_BY_ALL) === 0) return false;
  const above = dirname(directory);
  return above === directory || isOpenToAll(above);
}
