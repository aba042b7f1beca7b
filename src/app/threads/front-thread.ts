/**
 * A front thread: listens, speaks TLS and SMTP, decides by policy, and hands accepted mail to the spool thread
 * (steps 1 to 6). All front threads listen on the same ports; what they know of holders, trust and policy is brought up
 * to date by the main thread, in all of them at once.
 */
import { workerData } from 'node:worker_threads';
import { asFault } from '../../base/fault.ts';
import { idMinter } from '../../base/id.ts';
import { deliverySettings, sessionLimits, sessionManner } from '../../config/settings.ts';
import { mailDomains } from '../../platform/dns/mail-domains.ts';
import { peerNames } from '../../platform/dns/peer-name.ts';
import { defaultDnsSettings, dnsResolver } from '../../platform/dns/resolver.ts';
import { fileContentStore } from '../../platform/files/content-store.ts';
import { listen, type OpenListener } from '../../platform/net/listener.ts';
import { tlsContexts } from '../../platform/net/tls-contexts.ts';
import { systemClock } from '../../platform/process/clock.ts';
import { passwordCrypto } from '../../platform/process/password-crypto.ts';
import { systemRandom } from '../../platform/process/random.ts';
import type { AccessPolicy } from '../../relay/access/policy.ts';
import { Admission } from '../../relay/connection/admission.ts';
import { holderCache } from '../../relay/identity/holders.ts';
import { inbound } from '../../relay/relay.ts';
import { Guesses } from '../../relay/session/auth/guesses.ts';
import { PasswordLogins } from '../../relay/session/auth/password.ts';
import { openLookup } from '../../storage/sqlite/ledger-lookup.ts';
import { openPasswordLookup } from '../../storage/sqlite/passwords.ts';
import { REMEMBERED, holderLookup } from '../holders.ts';
import { makePolicy, makeRecipients } from '../policy.ts';
import { sharedCounts } from '../shared-counts.ts';
import { frontMethods, type FrontControl, type FrontStart, type Listening } from './contracts.ts';
import { eventBuffer } from './event-buffer.ts';
import { frontTrust, type FrontTrust } from './front-trust.ts';
import { serve } from './rpc.ts';
import { spoolClient } from './spool-client.ts';
import { utcOffset } from '../utc-offset.ts';
import { version } from '../version.ts';

const BACKLOG = 1024;

run(workerData as FrontStart);

function run(start: FrontStart): void {
  let { config } = start;
  let routes = deliverySettings(config, start.directory, []).routes;
  let manner = sessionManner(config, version);
  let policy: AccessPolicy = makePolicy(start.policy);
  let recipients = makeRecipients(start.policy);
  const clock = systemClock();
  const events = eventBuffer(start.events, clock, () => config.log.level);
  const directory = holderCache(holderLookup(openLookup(start.database)), start.issuers, REMEMBERED);
  const trust = frontTrust(start.material, start.foreign);
  const tls = tlsContexts(trust.material(), { handshakeTime: config.limits.handshakeTime });
  const resolver = dnsResolver({ ...defaultDnsSettings, servers: config.delivery.resolver });
  const names = peerNames(resolver, clock);
  const domains = mailDomains(resolver, clock);
  const open: OpenListener[] = [];
  const passwords = new PasswordLogins({
    lookup: openPasswordLookup(start.database),
    crypto: passwordCrypto(),
    guesses: new Guesses(
      start.guesses,
      () => clock.now(),
      () => config.auth.failures,
    ),
    clock,
    random: systemRandom(),
    realm: () => config.auth.realm,
  });

  const { serve: accept, sessions } = inbound({
    hostname: config.hostname,
    version,
    limits: (role) => sessionLimits(config, role),
    manner: () => manner,
    policy: () => policy,
    recipients: () => recipients,
    directory,
    foreign: trust.foreign,
    peerName: (address) =>
      config.names.lookupClientNames ? names(address) : Promise.resolve({ state: 'unasked', name: undefined }),
    domains,
    store: spoolClient(start.spool),
    contents: fileContentStore(start.contents),
    routes: () => routes,
    mintId: idMinter(clock, start.writer, start.firstId),
    clock,
    events,
    utcOffset,
    auth: { settings: () => config.auth, passwords },
    admission: new Admission(sharedCounts(start.counts)),
  });

  const swap = (next: Parameters<FrontTrust['change']>[0]): void => {
    trust.change(next);
    tls.swap(trust.material());
  };
  const control: FrontControl = {
    async listen(listeners) {
      const onTrouble = (detail: string): void => events.tell({ kind: 'trouble', where: 'listener', detail });
      const listening: Listening[] = [];
      for (const settings of listeners) {
        const listener = await listen(settings, { reusePort: true, backlog: BACKLOG, onTrouble }, tls, accept);
        open.push(listener);
        listening.push({ name: settings.name, address: listener.address, port: listener.port });
      }
      return listening;
    },
    async holders(change, material) {
      directory.learn(change);
      // New ticket keys: what was resumable before is resumable no more, so a withdrawn certificate is seen again.
      if (material !== undefined) swap({ material });
      return sessions.recheck(change.entries && new Set(change.entries.map(({ serial }) => serial)));
    },
    async passwords() {
      return sessions.recheck();
    },
    async material(material) {
      swap({ material });
      // With new revocation lists, sessions of certificates that they name end.
      if (material.revocation !== undefined) sessions.recheck();
    },
    async foreign(snapshot, material) {
      swap({ snapshot, material });
      return sessions.recheck();
    },
    async policy(source) {
      policy = makePolicy(source);
      recipients = makeRecipients(source);
    },
    async config(next) {
      config = next;
      manner = sessionManner(config, version);
      routes = deliverySettings(config, start.directory, []).routes;
    },
    async sessions() {
      return sessions.size;
    },
    async drain(grace) {
      for (const listener of open.splice(0)) await listener.close();
      const cancel = clock.after(grace, () => sessions.abort());
      await sessions.drain();
      cancel();
      events.flush();
    },
  };
  serve(start.control, control, frontMethods);
  process.on('unhandledRejection', (thrown) => {
    events.tell({ kind: 'trouble', where: 'front thread', detail: asFault(thrown).detail });
  });
}
