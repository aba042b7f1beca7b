import ipaddr from 'ipaddr.js';

/** The first of `networks` (CIDR, or a single address) that has `address` in it; IPv4 mapped into IPv6 counts as IPv4. */
export function networkOf(networks: readonly string[], address: string): string | undefined {
  if (networks.length === 0 || !ipaddr.isValid(address)) return undefined;
  const peer = ipaddr.process(address);
  return networks.find((network) => contains(network, peer));
}

/** Whether an address is of the loopback network. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

/** Whether an address is the one that `localhost` has: the rest of the loopback network is for others to use. */
export function isLocalhost(address: string): boolean {
  const written = ipaddr.isValid(address) ? ipaddr.process(address).toString() : '';
  return written === '127.0.0.1' || written === '::1';
}

function contains(network: string, peer: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  // The configuration was checked when it was loaded; what is no network contains nobody.
  if (ipaddr.isValidCIDR(network)) {
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === peer.kind() && peer.match(base, bits);
  }
  return ipaddr.isValid(network) && ipaddr.process(network).toNormalizedString() === peer.toNormalizedString();
}
