import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerName } from './facts.ts';
import { parseAccessMap } from './map.ts';
import { serverFeatures, type ServerFeatures } from './server-features.ts';
import { srvFeatures } from './tags/srv-features.ts';

function ask(map: string, address: string, name?: string): ServerFeatures {
  const peer: PeerName = name === undefined ? { state: 'none', name } : { state: 'ok', name };
  return serverFeatures({ map: parseAccessMap(map, 'access').map, features: new Set() }, { address, name: peer })
    .features;
}

// Seen with Sendmail 8.17.1, but for the last two, which are as its source has them.
const MAP = [
  'Srv_Features:roam.test P',
  'Srv_Features:127.0.0 D',
  'Srv_Features:client.friend.test\tX  S',
  'Srv_Features: E',
  'Srv_Features:192.0.2.1 PD l/v O',
  'Srv_Features:192.0.2.2 S s',
].join('\n');

describe('Srv_Features', () => {
  it('is looked up by name and its parents, then by address and its octets, then by the tag alone; one line answers', () => {
    assert.deepEqual(ask(MAP, '127.0.0.22', 'laptop.roam.test'), { pipelining: false });
    assert.deepEqual(ask(MAP, '127.0.0.99'), { dsn: false });
    assert.deepEqual(ask(MAP, '127.0.0.21', 'client.friend.test'), { expn: false, starttls: false });
    assert.deepEqual(ask(MAP, '127.168.1.5', 'pc1.lan.test'), { etrn: false });
  });

  it('counts the first letter of each word; the last of two letters; what is no letter not at all', () => {
    assert.deepEqual(ask(MAP, '192.0.2.1'), { pipelining: false, authRequired: true, askCertificate: true });
    assert.deepEqual(ask(MAP, '192.0.2.2'), { starttls: true });
  });

  it('needs its tag, and changes nothing without a line or a map', () => {
    assert.deepEqual(ask('laptop.roam.test S', '127.0.0.22', 'laptop.roam.test'), {});
    assert.deepEqual(
      serverFeatures(
        { map: undefined, features: new Set() },
        { address: '127.0.0.1', name: { state: 'none', name: undefined } },
      ).features,
      {},
    );
  });

  it('warns of letters that are written together or mean nothing', () => {
    assert.match(srvFeatures.review('a.test', 'SV')?.hint ?? '', /S V/);
    assert.match(srvFeatures.review('a.test', 'S q')?.text ?? '', /no letter q/);
    assert.equal(srvFeatures.review('a.test', 's V  l'), undefined);
    assert.equal(srvFeatures.review('', 'S'), undefined);
  });
});
