import { passwordSuite } from '../../relay/credential/store.suite.ts';
import { memoryPasswords } from './passwords.ts';

passwordSuite('memory', () => {
  const store = memoryPasswords();
  return { store, lookup: store, close: () => store.close() };
});
