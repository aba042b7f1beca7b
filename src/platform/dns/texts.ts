import { Resolver as NodeResolver } from 'node:dns/promises';
import type { TextAnswer } from '../../ca/acme/challenge-net.ts';
import { absence, setServers, type DnsSettings } from './resolver.ts';

/** TXT look-ups; the parts of a record are joined (RFC 7208 §3.3 is how everybody reads them). CNAMEs are the name server's to follow. */
export function textResolver({ servers, timeout, tries }: DnsSettings): (name: string) => Promise<TextAnswer> {
  const dns = new NodeResolver({ timeout, tries });
  if (servers.length > 0) setServers(dns, servers);
  return async (name) => {
    try {
      const records = await dns.resolveTxt(name);
      return records.length === 0 ? { kind: 'none' } : { kind: 'found', texts: records.map((parts) => parts.join('')) };
    } catch (error) {
      const answer = absence(error);
      return answer.kind === 'none' ? { kind: 'none' } : answer;
    }
  };
}
