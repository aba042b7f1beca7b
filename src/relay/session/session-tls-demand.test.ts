import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stage, type Stage } from '../../../test/fakes/inbound.ts';

/** What a session says to these lines after STARTTLS, without a client certificate. */
async function afterTls(at: Stage, lines: string): Promise<string> {
  const connection = await at.secured({
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    bits: 256,
    asked: true,
    certificate: undefined,
    verifyError: undefined,
    resumed: false,
    serverName: undefined,
  });
  connection.say(lines);
  await at.clock.settle();
  return connection.heard();
}

describe('what the access map demands of TLS with clients', () => {
  it('is said to every command but the harmless ones after a handshake that is not good enough', async () => {
    const at = stage({ map: 'TLS_Clt: VERIFY' });
    const heard = await afterTls(
      at,
      'EHLO x\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nNOOP\r\nQUIT\r\n',
    );
    const refusal = '454 4.7.0 not authenticated\r\n';
    assert.match(heard, new RegExp(`250 ENHANCEDSTATUSCODES\r\n${refusal}${refusal}250 2\\.0\\.0 .*\r\n221 `));
    assert.deepEqual(
      at.told('refused').map(({ stage: where, rule }) => `${where} ${rule}`)[0],
      'starttls TLS: verify=NO bits=256: not authenticated (access:1)',
    );
  });

  it('lets through what is good enough', async () => {
    const at = stage({ map: 'TLS_Clt: ENCR:256' });
    assert.match(await afterTls(at, 'MAIL FROM:<a@example.net>\r\n'), /^250 2\.1\.0 /);
  });

  it('is asked at MAIL where there is no TLS', async () => {
    const at = stage({ map: 'TLS_Clt: PERM+VERIFY' });
    const { connection } = at.start();
    await at.clock.settle();
    connection.say('EHLO x\r\nMAIL FROM:<a@example.net>\r\n');
    await at.clock.settle();
    assert.match(connection.heard(), /503 5\.7\.0 authentication required\r\n$/);
  });
});
