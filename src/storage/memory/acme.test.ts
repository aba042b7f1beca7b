import { acmeStoreSuite } from '../../ca/acme/store.suite.ts';
import { memoryAcmeStore } from './acme.ts';

acmeStoreSuite('memory', false, () => memoryAcmeStore());
