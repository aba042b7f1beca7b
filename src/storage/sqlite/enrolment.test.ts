import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrolmentSuite } from '../../ca/enrolment.suite.ts';
import { openEnrolments } from './enrolment.ts';

enrolmentSuite('sqlite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-'));
  const store = openEnrolments(join(folder, 'sealpost.db'));
  return {
    add: (enrolment, hash) => store.add(enrolment, hash),
    byHash: (hash) => store.byHash(hash),
    take: (id, at) => store.take(id, at),
    giveBack: (id) => store.giveBack(id),
    usedFor: (id, serial) => store.usedFor(id, serial),
    withdraw: (id) => store.withdraw(id),
    list: (limit) => store.list(limit),
    forget: (before) => store.forget(before),
    close() {
      store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
