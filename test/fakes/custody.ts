import type { KeyCustody } from '../../src/admin/context.ts';

/** A key in clear that nobody asks for anything. */
export const openCustody: KeyCustody = {
  known: () => 'open',
  state: () => Promise.resolve({ state: 'open', sealTo: new Uint8Array(32) }),
  unlock: () => Promise.resolve('open'),
  relock: () => {},
  reload: () => Promise.resolve(),
};
