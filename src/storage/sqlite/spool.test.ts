import { spoolSuite } from '../../relay/spool/spool.suite.ts';
import { sqliteSpool } from './spool.ts';

spoolSuite('sqlite', async (options) => sqliteSpool(':memory:', options));
