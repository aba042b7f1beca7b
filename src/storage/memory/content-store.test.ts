import { contentSuite } from '../../relay/spool/content.suite.ts';
import { memoryContentStore } from './content-store.ts';

contentSuite('memory', async () => memoryContentStore());
