/**
 * The delivery thread: schedule, delivery and outcome (steps 7 to 9), apart from the threads that serve clients. It owns
 * all lanes while it runs; when it ends, however it ends, everything it had begun is still in the spool.
 */
import { workerData } from 'node:worker_threads';
import { asFault } from '../../base/fault.ts';
import { idMinter } from '../../base/id.ts';
import { deliverySettings, scheduleSettings } from '../../config/settings.ts';
import { defaultDnsSettings, dnsResolver } from '../../platform/dns/resolver.ts';
import { fileContentStore } from '../../platform/files/content-store.ts';
import { fileCredentials } from '../../platform/files/credentials.ts';
import { netDialer } from '../../platform/net/dialer.ts';
import { systemClock } from '../../platform/process/clock.ts';
import { passwordCrypto } from '../../platform/process/password-crypto.ts';
import { systemRandom } from '../../platform/process/random.ts';
import { outbound } from '../../relay/relay.ts';
import { makePolicy } from '../policy.ts';
import { deliveryMethods, type DeliveryControl, type DeliveryStart } from './contracts.ts';
import { eventBuffer } from './event-buffer.ts';
import { serve } from './rpc.ts';
import { onRing, spoolClient } from './spool-client.ts';
import { utcOffset } from '../utc-offset.ts';

/** There is one delivery thread, so one owner of all lanes. */
const OWNER = 1;

run(workerData as DeliveryStart);

function run(start: DeliveryStart): void {
  const { config } = start;
  const clock = systemClock();
  const events = eventBuffer(start.events, clock, () => config.log.level);
  const delivery = deliverySettings(config, start.directory, start.ownAddresses);
  let policy = makePolicy(start.policy);
  const dialer = netDialer((detail) => events.tell({ kind: 'trouble', where: 'delivery', detail }));
  const { schedule, carrier } = outbound({
    store: spoolClient(start.spool),
    contents: fileContentStore(start.contents),
    resolver: dnsResolver({ ...defaultDnsSettings, servers: config.delivery.resolver }),
    dialer,
    delivery,
    policy: () => policy,
    credentials: { auth: fileCredentials(delivery.authinfo), crypto: passwordCrypto() },
    schedule: () => scheduleSettings(config),
    mintId: idMinter(clock, start.writer, start.firstId),
    utcOffset,
    clock,
    random: systemRandom(),
    events,
    owner: OWNER,
  });
  onRing(start.ring, schedule);
  const control: DeliveryControl = {
    start: () => schedule.start(),
    retry: async () => schedule.retry(),
    renewContexts: async () => dialer.renewContexts(),
    async policy(source) {
      policy = makePolicy(source);
    },
    async stop(grace) {
      await schedule.stop(grace);
      carrier.close();
      events.flush();
    },
  };
  serve(start.control, control, deliveryMethods);
  process.on('unhandledRejection', (thrown) => {
    events.tell({ kind: 'trouble', where: 'delivery thread', detail: asFault(thrown).detail });
  });
}
