/** Where Postfix sends mail, as routes of ours: transport_maps, relayhost, and the TLS policies of next hops. */
import type { RawConfig } from '../sendmail/convert.ts';
import { levelOf } from './level.ts';
import type { PostfixReader } from './reader.ts';

/** A next hop as Postfix writes it: `[host]:port`, or a domain whose MX hosts are meant. */
export function hopOf(written: string): string | undefined {
  const [, host, named, port] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+|smtp|submission|submissions|smtps))?$/.exec(written) ?? [];
  if (host === undefined && named === undefined) return undefined;
  const number = { smtp: '25', submission: '587', submissions: '465', smtps: '465' }[port ?? 'smtp'] ?? port ?? '25';
  if (host === undefined) return `mx:${named}:${number}`;
  const address = host.replace(/^IPv6:/i, '');
  return address.includes(':') ? `[${address}]:${number}` : `${address}:${number}`;
}

/** `delivery` of our configuration. */
export function outbound(reader: PostfixReader): RawConfig {
  const { main } = reader;
  const level = reader.level('smtp_tls_security_level');
  const authority = main.get('smtp_tls_CAfile');
  const policies = policiesOf(reader);
  const withTls = (nextHop: string, route: object): object => {
    const tls = policies.get(nextHop.toLowerCase()) ?? level;
    policies.delete(nextHop.toLowerCase());
    return { ...route, tls, ...(tls === 'verify' && authority !== '' ? { authorities: authority } : {}) };
  };
  const routes = transports(reader, withTls);
  const relayhost = main.get('relayhost');
  const last = relayhost === '' ? undefined : hopOf(relayhost);
  // A policy is found by the next hop: what is left of them is for domains that are reached by their own MX.
  const star = withTls(last === undefined ? '*' : relayhost, {
    domains: ['*'],
    ...(last === undefined ? {} : { to: last }),
  });
  const direct = last === undefined ? [...policies] : [];
  const own = direct.map(([domain, tls]) => ({
    domains: [domain],
    tls,
    ...(tls === 'verify' && authority !== '' ? { authorities: authority } : {}),
  }));
  const [certificate, key] = [main.get('smtp_tls_cert_file'), main.get('smtp_tls_key_file')];
  return {
    routes: [...routes, ...own, star],
    ...(certificate === '' ? {} : { identity: { certificate, key: key === '' ? certificate : key } }),
  };
}

function policiesOf(reader: PostfixReader): Map<string, string> {
  const policies = new Map<string, string>();
  for (const row of reader.rows('smtp_tls_policy_maps')) {
    const [written = ''] = row.value.split(/\s+/);
    const level = levelOf(written);
    if (level === undefined || !/^(?:\.?[A-Za-z0-9_.-]+|\[[^\]]+\](?::\d+)?)$/.test(row.key)) {
      reader.row(row, 'dropped', 'postfix.security');
      continue;
    }
    policies.set(row.key.toLowerCase(), level.tls);
    reader.row(row, level.same ? 'kept' : 'changed', level.same ? undefined : 'postfix.security');
  }
  return policies;
}

function transports(reader: PostfixReader, withTls: (nextHop: string, route: object) => object): object[] {
  return reader.rows('transport_maps').flatMap((row) => {
    const [, transport = '', nextHop = ''] = /^([^:\s]*):(.*)$/s.exec(row.value) ?? [];
    const domains = [row.key];
    if (!/^(?:\*|\.?[A-Za-z0-9_.-]+)$/.test(row.key)) {
      reader.row(row, 'dropped', 'postfix.map');
      return [];
    }
    reader.row(row, 'kept', undefined);
    if (transport === 'error')
      return [{ domains, refuse: nextHop === '' ? 'mail for this domain is not taken' : nextHop }];
    if (transport === 'discard') return [{ domains, discard: true }];
    const to = nextHop.trim() === '' ? undefined : hopOf(nextHop.trim());
    return [withTls(nextHop.trim() || row.key, { domains, ...(to === undefined ? {} : { to }) })];
  });
}
