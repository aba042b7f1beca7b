/** The inbound side in memory: sessions on connections, spool and contents without a socket, disk or clock. */
import { noRules } from '../../src/relay/recipients/rules.ts';
import { barePolicy } from './policy.ts';
import assert from 'node:assert/strict';
import type { RelayEvent } from '../../src/base/event.ts';
import { idMinter } from '../../src/base/id.ts';
import { plainManner, type ServerManner } from '../../src/protocol/smtp/server-manner.ts';
import type { PeerName } from '../../src/relay/access/facts.ts';
import { parseAccessMap } from '../../src/relay/access/map.ts';
import type { AccessPolicy } from '../../src/relay/access/policy.ts';
import { Admission } from '../../src/relay/connection/admission.ts';
import type { ListenerSettings, TlsFacts } from '../../src/relay/connection/connection.ts';
import { holderCache, type HolderEntry } from '../../src/relay/identity/holders.ts';
import type { CertificateFacts } from '../../src/relay/identity/principal.ts';
import { mechanisms } from '../../src/relay/session/auth/registry.ts';
import type { SessionLimits } from '../../src/relay/session/limits.ts';
import { LiveSessions } from '../../src/relay/session/live.ts';
import type { SessionServices } from '../../src/relay/session/services.ts';
import { startSession, type Session } from '../../src/relay/session/session.ts';
import type { ContentStore, NewEntry, SpoolStore } from '../../src/relay/spool/spool.ts';
import { memoryContentStore } from '../../src/storage/memory/content-store.ts';
import { memorySpool } from '../../src/storage/memory/spool.ts';
import { fakeClock, type FakeClock } from './clock.ts';
import { fakeConnection, type FakeConnection } from './connection.ts';

export const ISSUER: string = '/O=Example/CN=Sealpost+20Issuing+20CA';

export const ALICE: CertificateFacts = {
  subject: '/CN=alice@example.net',
  issuer: ISSUER,
  commonName: 'alice@example.net',
  issuerCommonName: 'Sealpost+20Issuing+20CA',
  serial: '0a1b',
  fingerprint: 'aa',
  notAfter: 4e12,
  emails: ['alice@example.net', 'sales@example.net'],
  dnsNames: [],
};

const LIMITS: SessionLimits = {
  commandLine: 512,
  authLine: 12_288,
  messageSize: 1_000_000,
  recipients: 10,
  messagesPerSession: 100,
  errors: 10,
  idleCommands: 50,
  buffer: 65_536,
  header: 10_000,
  hops: 100,
  sessionTime: 3_600_000,
  connections: 10,
  connectionsByAddress: 3,
  handshakeTime: 20_000,
  inlineContent: 20_000,
};

const POLICY: AccessPolicy = { ...barePolicy, localDomains: new Set(['example.net']) };

export const TLS: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  asked: true,
  certificate: undefined,
  verifyError: undefined,
  resumed: false,
  serverName: undefined,
};

export const WITH_CERTIFICATE: TlsFacts = {
  ...TLS,
  certificate: { der: new Uint8Array(1), fingerprint: ALICE.fingerprint },
};

export interface Stage {
  readonly clock: FakeClock;
  readonly events: RelayEvent[];
  readonly entries: NewEntry[];
  readonly contents: ContentStore;
  readonly sessions: LiveSessions;
  readonly admission: Admission;
  readonly services: SessionServices;
  start(listener?: Partial<ListenerSettings>, address?: string): { connection: FakeConnection; session: Session };
  /** A session that is through STARTTLS and EHLO with these facts; what was said until then is taken away. */
  secured(tls?: TlsFacts, listener?: Partial<ListenerSettings>): Promise<FakeConnection>;
  revoke(state?: 'revoked' | 'suspended'): void;
  told<K extends RelayEvent['kind']>(kind: K): Extract<RelayEvent, { kind: K }>[];
}

export interface StageOptions {
  readonly manner?: ServerManner;
  readonly limits?: Partial<SessionLimits>;
  readonly policy?: Partial<AccessPolicy>;
  readonly map?: string;
  readonly name?: PeerName | Promise<PeerName>;
  readonly certificate?: CertificateFacts;
  readonly accept?: SpoolStore['accept'];
  readonly contents?: ContentStore;
  readonly auth?: SessionServices['auth'];
  /** Whom the ledger names as the holder of the certificate. */
  readonly holder?: string;
}

export function stage(options: StageOptions = {}): Stage {
  const clock = fakeClock();
  const events: RelayEvent[] = [];
  const entries: NewEntry[] = [];
  const { holder = 'alice@example.net' } = options;
  let alice: HolderEntry = { issuer: ISSUER, serial: ALICE.serial, holder, state: 'active' };
  const lookUp = (issuer: string, serial: string): HolderEntry | undefined =>
    issuer === alice.issuer && serial === alice.serial ? alice : undefined;
  const directory = holderCache(lookUp, [ISSUER], 10);
  const spool = memorySpool({ clock });
  const contents = options.contents ?? memoryContentStore();
  const sessions = new LiveSessions();
  const admission = new Admission();
  const limits = { ...LIMITS, ...options.limits };
  const map = options.map === undefined ? undefined : parseAccessMap(options.map, 'access').map;
  const policy = { ...POLICY, map, ...options.policy };
  const accept: SpoolStore['accept'] = async (batch) => {
    const added = await spool.accept(batch);
    entries.push(...batch);
    return added;
  };
  const services: SessionServices = {
    hostname: 'relay.example.net',
    version: '0.1.0',
    limits: () => limits,
    manner: () => options.manner ?? plainManner,
    policy: () => policy,
    recipients: () => noRules,
    directory,
    certificates: { facts: () => options.certificate ?? ALICE },
    peerName: () => Promise.resolve(options.name ?? { state: 'ok', name: 'client.example.org' }),
    store: { accept: options.accept ?? accept },
    contents,
    route: (domain) => ({ dest: domain, lane: 7 }),
    mintId: idMinter(clock, 3),
    clock,
    events: { tell: (event) => events.push(event) },
    mechanisms,
    auth: options.auth,
    utcOffset: () => 0,
    admission,
    sessions,
  };
  const start: Stage['start'] = (listener, address) => {
    const connection = fakeConnection(listener, address);
    return { connection, session: startSession(connection, services) };
  };
  return {
    clock,
    events,
    entries,
    contents,
    sessions,
    admission,
    services,
    start,
    async secured(tls = WITH_CERTIFICATE, listener = {}) {
      const { connection } = start(listener);
      await clock.settle();
      connection.say('STARTTLS\r\n');
      connection.secure(tls);
      connection.say('EHLO laptop.example.org\r\n');
      await clock.settle();
      connection.heard();
      return connection;
    },
    revoke(state = 'revoked') {
      alice = { ...alice, state };
      directory.learn({ issuers: [ISSUER], entries: [alice] });
    },
    told: (kind) => events.filter((event) => event.kind === kind) as never,
  };
}

export const ENVELOPE: string = 'MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n';
export const CONTENT: string = 'Date: then\r\nMessage-ID: <1@laptop>\r\nSubject: x\r\n\r\nhello\r\n';

/** Sends a whole message and gives the replies. */
export async function send(
  at: Stage,
  connection: FakeConnection,
  envelope: string = ENVELOPE,
  content: string = `${CONTENT}.\r\n`,
): Promise<string> {
  connection.say(envelope);
  await at.clock.settle();
  connection.say(content);
  await at.clock.settle();
  return connection.heard();
}

export function text(entry: NewEntry | undefined): string {
  assert.ok(entry?.content.kind === 'inline');
  return Buffer.from(entry.content.bytes).toString('latin1');
}
