import { spoolSuite } from '../../relay/spool/spool.suite.ts';
import { memorySpool } from './spool.ts';

spoolSuite('memory', async (options) => memorySpool(options));
