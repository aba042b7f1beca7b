import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { acmeStoreSuite } from '../../ca/acme/store.suite.ts';
import { openAcmeStore } from './acme.ts';

const folder = (records: string): string => join(tmpdir(), `sealpost-${process.pid}-${records}`);

acmeStoreSuite(
  'sqlite',
  true,
  (records) => {
    mkdirSync(folder(records), { recursive: true });
    return openAcmeStore(join(folder(records), 'sealpost.db'));
  },
  (records) => rmSync(folder(records), { recursive: true }),
);
