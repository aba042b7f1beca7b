/** ACME put together: the server, with our CA behind it, our database, and the network that the configuration allows. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { revokeCertificates } from '../admin/certificates.ts';
import type { AdminContext } from '../admin/context.ts';
import { latin1 } from '../base/bytes.ts';
import { asFault } from '../base/fault.ts';
import { mayFetchFrom } from '../ca/acme/reach.ts';
import { acmeServer, type AcmeServer } from '../ca/acme/server.ts';
import type { AcmeAuthority } from '../ca/acme/services.ts';
import { issue, type Issued } from '../ca/issuance.ts';
import type { LedgerRecord } from '../ca/ledger.ts';
import { renew } from '../ca/renewal.ts';
import { authorityFiles } from '../ca/setup.ts';
import { plainAnswer } from '../ca/web.ts';
import { inDirectory } from '../config/settings.ts';
import { defaultDnsSettings, dnsResolver } from '../platform/dns/resolver.ts';
import { textResolver } from '../platform/dns/texts.ts';
import { challengeNet } from '../platform/http/challenge-net.ts';
import { decodePem } from '../protocol/pki/pem.ts';

/** The server of a running relay. What the configuration says counts as it is at each request, the rate of orders and name servers from the start. */
export function startAcme(context: AdminContext): AcmeServer {
  const { clock, random, events, acme: store } = context;
  const dns = { ...defaultDnsSettings, servers: context.config.delivery.resolver };
  // Most relays never ask.
  let resolver: ReturnType<typeof dnsResolver> | undefined;
  let texts: ReturnType<typeof textResolver> | undefined;
  const server = acmeServer({
    clock,
    random,
    events,
    store,
    authority: authorityOf(context),
    net: challengeNet({
      addresses: (name) => (resolver ??= dnsResolver(dns)).addresses(name),
      texts: (name) => (texts ??= textResolver(dns))(name),
      mayFetchFrom: (address) => mayFetchFrom(address, context.config.acme.networks),
      httpPort: () => context.config.acme.httpPort,
    }),
    settings: { hosts: () => hostNames(context), ordersPerHour: context.config.acme.ordersPerHour },
  });
  const { route } = server;
  return {
    ...server,
    route: {
      ...route,
      handle: (request) =>
        isOn(context) ? route.handle(request) : plainAnswer(404, 'ACME is switched off here (acme.enabled)'),
    },
  };
}

function isOn({ config }: AdminContext): boolean {
  return config.acme.enabled && config.tls.ownAuthority;
}

/** The names that clients know us by: those of the server certificate, which they check. */
function hostNames({ config, directory }: AdminContext): readonly string[] {
  const names = new Set([config.hostname.toLowerCase(), 'localhost']);
  const certificate = new X509Certificate(readFileSync(inDirectory(directory, config.tls.certificate)));
  for (const entry of certificate.subjectAltName?.split(', ') ?? [])
    if (entry.startsWith('DNS:')) names.add(entry.slice('DNS:'.length).toLowerCase());
  return [...names];
}

function authorityOf(context: AdminContext): AcmeAuthority {
  const { ledger, clock } = context;
  /** The holder may show the certificate as soon as the client has it. */
  const toldToAll = async (issued: Promise<Issued>): Promise<LedgerRecord> => {
    const { record } = await issued;
    // It is in the ledger and good: a thread that could not be told looks there, and no client shall order it anew.
    await context.live?.refresh().catch((error: unknown) => {
      context.events.tell({ kind: 'trouble', where: 'ACME', detail: asFault(error).detail });
    });
    return record;
  };
  return {
    certificate: (serial) => ledger.get(serial),
    issuedSince: (holder, at) => ledger.find({ holder, state: 'active' }).filter(({ issuedAt }) => issuedAt >= at),
    async issue({ names, ...wish }, by, why) {
      return await toldToAll(issue(context, { ...wish, dnsNames: names }, by, why));
    },
    async renew(current, { publicKey, life }, by) {
      return await toldToAll(renew(context, current, { publicKey, life, overlap: context.config.ca.overlap }, by));
    },
    async revoke({ serial }, reason, by) {
      await revokeCertificates({ ...context, actor: by }, { serial, reason });
    },
    async issuers() {
      const pem = await context.files.read(authorityFiles.issuingCertificate);
      return decodePem(latin1(pem)).map(({ der }) => der);
    },
    note(action, by, holder, detail) {
      ledger.appendAudit({ action, by, holder, detail }, clock.now());
    },
  };
}
