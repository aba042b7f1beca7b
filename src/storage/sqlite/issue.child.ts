/**
 * The process that `issue.test.ts` kills: issues certificates into a database and says on its standard output what it
 * has done, `r`eserved, `s`igned, `a`dded, with the serial number. Arguments: database, how many (0: without end), at
 * which of these steps of the last one it kills itself (`-`: never).
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { testAuthority } from '../../../test/fakes/authority.ts';
import type { IssueRequest } from '../../ca/authority.ts';
import { issue } from '../../ca/issuance.ts';
import { makeKey } from '../../ca/keys.ts';
import { openLedger } from './ledger.ts';

const [path = '', count = '0', dieAt = '-'] = process.argv.slice(2);
const ledger = openLedger(path);
const authority = testAuthority();
const { publicKey } = makeKey();
let left = Number(count);

function done(step: 'r' | 's' | 'a', serial: string): void {
  writeSync(1, `${step}${serial}\n`);
  if (left === 1 && step === dieAt) process.kill(process.pid, 'SIGKILL');
}

const issuance = {
  clock: { ...authority.clock, now: () => Date.now() },
  random: { bytes: (length: number) => new Uint8Array(randomBytes(length)), fraction: () => 0 },
  events: { tell: () => {} },
  ledger,
  door: () =>
    Promise.resolve({
      ...authority.door,
      async issue(request: IssueRequest) {
        const serial = Buffer.from(request.serial).toString('hex');
        done('r', serial);
        const issued = await authority.door.issue(request);
        done('s', serial);
        return issued;
      },
      close: () => {},
    }),
};
const wish = {
  profile: 'person' as const,
  holder: 'alice@example.net',
  csr: undefined,
  publicKey,
  dnsNames: [],
  uris: [],
  subject: undefined,
  life: 86_400_000,
};
do {
  const { record } = await issue(issuance, wish, 'cli:test', 'to be killed');
  done('a', record.serial);
} while (--left !== 0);
ledger.close();
