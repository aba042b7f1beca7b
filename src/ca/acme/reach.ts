/** From which addresses the proof of a challenge may be fetched: the name is the client's choice, the network is ours. */
import ipaddr from 'ipaddr.js';

/** Ordinary addresses; relays and hosts of a site often have private ones. */
const usual: ReadonlySet<string> = new Set(['unicast', 'private', 'uniqueLocal', 'carrierGradeNat']);

/** Where clouds tell secrets to whoever asks from within; the usual one, 169.254.169.254, is link-local. */
const METADATA = ipaddr.parseCIDR('fd00:ec2::/32');

/**
 * Whether this address may be asked. `networks` (CIDR or single addresses) are then the only ones; without any, all
 * that is not this machine (loopback), its link, or of special use.
 */
export function mayFetchFrom(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const peer = ipaddr.process(address);
  if (networks.length > 0) return networks.some((network) => isIn(peer, network));
  return usual.has(peer.range()) && !(peer.kind() === 'ipv6' && peer.match(METADATA));
}

function isIn(peer: ipaddr.IPv4 | ipaddr.IPv6, network: string): boolean {
  const [base, bits] = network.includes('/') ? ipaddr.parseCIDR(network) : [ipaddr.process(network), 128];
  return base.kind() === peer.kind() && peer.match(base, Math.min(bits, base.kind() === 'ipv4' ? 32 : 128));
}
