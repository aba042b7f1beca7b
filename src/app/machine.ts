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
