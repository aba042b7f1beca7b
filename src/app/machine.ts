import { availableParallelism, networkInterfaces } from 'node:os';

/** What this machine is like, as far as listeners and threads depend on it. */
export function machine(): { readonly root: boolean; readonly ipv6: boolean; readonly cores: number } {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return {
    root: process.getuid?.() === 0,
    ipv6: addresses.some(({ family }) => family === 'IPv6'),
    cores: availableParallelism(),
  };
}

/**
 * The addresses at which listeners can be reached, so that mail is never sent to ourselves: an address that stands for
 * all of the machine's is replaced by each of them.
 */
export function reachableAt(
  listeners: readonly { readonly address: string; readonly port: number }[],
): { readonly address: string; readonly port: number }[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = (family: 'IPv4' | 'IPv6'): string[] =>
    all.filter((one) => one.family === family).map((one) => one.address);
  return listeners.flatMap(({ address, port }) => {
    const addresses =
      address === '::' ? [...own('IPv4'), ...own('IPv6')] : address === '0.0.0.0' ? own('IPv4') : [address];
    return addresses.map((each) => ({ address: each, port }));
  });
}
