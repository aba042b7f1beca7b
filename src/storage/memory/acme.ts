import type { Ms } from '../../base/clock.ts';
import { isWorking, type Order } from '../../ca/acme/order.ts';
import type { Account, AcmeKey, AcmeStore } from '../../ca/acme/store.ts';

/** What ACME keeps, for tests: as lasting as the process. */
export function memoryAcmeStore(): AcmeStore {
  const keys = new Map<string, AcmeKey>();
  const accounts = new Map<string, Account>();
  const orders = new Map<string, Order>();

  const sorted = (wanted: (order: Order) => boolean): Order[] =>
    [...orders.values()].filter(wanted).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const byThumbprint = (thumbprint: string): Account | undefined =>
    [...accounts.values()].find((account) => account.thumbprint === thumbprint);
  const change = <T>(map: Map<string, T>, id: string, part: Partial<T>): void => {
    const known = map.get(id);
    if (known !== undefined) map.set(id, { ...known, ...part });
  };

  return {
    addKey: (key) => void keys.set(key.id, key),
    key: (id) => keys.get(id),
    keys: () => [...keys.values()].toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
    withdrawKey(id) {
      change(keys, id, { withdrawn: true });
      for (const account of accounts.values())
        if (account.keyId === id) change(accounts, account.id, { status: 'revoked' });
    },
    addAccount(account) {
      const key = keys.get(account.keyId);
      if (key === undefined || key.account !== undefined || key.withdrawn) return false;
      if (accounts.has(account.id) || byThumbprint(account.thumbprint) !== undefined) return false;
      accounts.set(account.id, account);
      keys.set(key.id, { ...key, account: account.id });
      return true;
    },
    account: (id) => accounts.get(id),
    accountByThumbprint: byThumbprint,
    saveAccount: ({ id, status, contacts }) => change(accounts, id, { status, contacts }),
    changeAccountKey(id, key, thumbprint) {
      const holder = byThumbprint(thumbprint);
      if (!accounts.has(id) || (holder !== undefined && holder.id !== id)) return false;
      change(accounts, id, { key, thumbprint });
      return true;
    },
    addOrder: (order) => void orders.set(order.id, order),
    order: (id) => orders.get(id),
    saveOrder: (order) => change(orders, order.id, order),
    orders: (account, after, limit) =>
      sorted((order) => order.account === account && order.id > after)
        .slice(0, limit)
        .map(({ id }) => id),
    openOrders: (account) =>
      sorted((order) => order.account === account && order.status !== 'valid' && order.status !== 'invalid'),
    orderOf: (serial) => sorted((order) => order.serial === serial)[0],
    issuedOrders: (account, limit) =>
      sorted((order) => order.account === account && order.status === 'valid')
        .toReversed()
        .slice(0, limit),
    replacing: (serial) => sorted((order) => order.replaces?.serial === serial),
    unfinished: () => sorted(isWorking),
    forget(before: Ms) {
      const gone = sorted((order) => order.expires < before && !isWorking(order));
      for (const { id } of gone) orders.delete(id);
      return gone.length;
    },
    close: () => {},
  };
}
