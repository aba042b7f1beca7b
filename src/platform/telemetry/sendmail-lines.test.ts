import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventPeer, RelayEvent } from '../../base/event.ts';
import { sendmailQueueId } from '../../base/id.ts';
import { sendmailLines } from './sendmail-lines.ts';

const peer: EventPeer = {
  session: 's1',
  address: '127.0.0.22',
  client: 'laptop.roam.test [127.0.0.22]',
  verify: 'OK',
  holder: undefined,
  serial: undefined,
};
const id = 71_000_000_000_000;
const about = 71_000_000_004_096;
const qid = sendmailQueueId(id);
const refused: RelayEvent = {
  kind: 'refused',
  peer,
  stage: 'recipient',
  reply: '550 5.7.1 <rcpt@dest.test>... Relaying denied',
  id,
  reversePath: 'user@sender.test',
  recipient: 'rcpt@dest.test',
  rule: undefined,
};
const attempted: Extract<RelayEvent, { kind: 'attempted' }> = {
  kind: 'attempted',
  id,
  recipient: 'rcpt@dest.test',
  hop: 'mx.peer.test [127.0.0.50]:25',
  outcome: 'delivered',
  status: '2.0.0 Delivered',
  remote: '250 2.0.0 ok: queued as 1',
  tls: undefined,
  attempts: 1,
  delay: 3_000,
  nextAt: undefined,
  holder: undefined,
  serial: undefined,
};
const one = (event: RelayEvent): readonly string[] => sendmailLines()(event).lines;

// The expected lines of the first two tests were written by Sendmail 8.17.1, apart from ids and the names in them.
describe("Sendmail's lines", () => {
  it('tell of TLS, refusals and arrivals', () => {
    const secured: RelayEvent = {
      kind: 'secured',
      peer,
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      bits: 256,
      resumed: false,
      subject: '/C=JP/CN=u',
      issuer: '/C=JP/CN=ca',
      reason: undefined,
    };
    assert.deepEqual(one(secured), [
      'STARTTLS=server, relay=laptop.roam.test [127.0.0.22], version=TLSv1.3, verify=OK, cipher=TLS_AES_256_GCM_SHA384, bits=256/256',
      'STARTTLS=server, cert-subject=/C=JP/CN=u, cert-issuer=/C=JP/CN=ca, verifymsg=ok',
    ]);
    assert.deepEqual(one(refused), [
      `${qid}: ruleset=check_rcpt, arg1=<rcpt@dest.test>, relay=laptop.roam.test [127.0.0.22], reject=550 5.7.1 <rcpt@dest.test>... Relaying denied`,
    ]);
    const early = { ...refused, id: undefined, recipient: undefined, reversePath: undefined };
    assert.deepEqual(one({ ...early, stage: 'connect', reply: '550 5.7.1 Access denied' }), [
      'ruleset=check_relay, arg1=laptop.roam.test, arg2=127.0.0.22, relay=laptop.roam.test [127.0.0.22], reject=550 5.7.1 Access denied',
    ]);
    assert.deepEqual(
      one({ ...early, stage: 'starttls', peer: { ...peer, verify: 'NO' }, reply: '454 4.7.0 not authenticated' }),
      [
        'ruleset=tls_client, arg1=NO, arg2=STARTTLS, relay=laptop.roam.test [127.0.0.22], reject=454 4.7.0 not authenticated',
      ],
    );
    assert.deepEqual(one({ ...refused, reply: '550 5.1.1 <nosuch@relay.test>... User unknown' }), [
      `${qid}: <nosuch@relay.test>... User unknown`,
    ]);
    const accepted: RelayEvent = {
      kind: 'accepted',
      peer,
      listener: 'MTA',
      protocol: 'ESMTPS',
      id,
      reversePath: 'user@sender.test',
      recipients: ['rcpt@dest.test'],
      size: 19,
      messageId: '<1@sender.test>',
      rule: undefined,
    };
    assert.deepEqual(one(accepted), [
      `${qid}: from=<user@sender.test>, size=19, class=0, nrcpts=1, msgid=<1@sender.test>, proto=ESMTPS, daemon=MTA, relay=laptop.roam.test [127.0.0.22]`,
    ]);
  });

  it('tell of deliveries by the words that are counted', () => {
    const to = (event: Partial<typeof attempted>): string => one({ ...attempted, ...event })[0] ?? '';
    assert.equal(
      to({}),
      `${qid}: to=<rcpt@dest.test>, delay=00:00:03, mailer=esmtp, relay=mx.peer.test. [127.0.0.50], dsn=2.0.0, stat=Sent (ok: queued as 1)`,
    );
    assert.match(
      to({ outcome: 'deferred', status: '4.4.1 No answer', remote: undefined, hop: undefined, delay: 90_061_000 }),
      /delay=1\+01:01:01, mailer=esmtp, dsn=4\.4\.1, stat=Deferred: No answer$/,
    );
    assert.match(
      to({ outcome: 'failed', status: '5.1.1 refused', remote: '550 5.1.1 nobody' }),
      /dsn=5\.1\.1, stat=User unknown$/,
    );
    assert.match(
      to({ outcome: 'failed', status: '5.7.1 refused', remote: '550 5.7.1 no' }),
      /dsn=5\.7\.1, stat=Service unavailable$/,
    );
  });

  it('name a hop that has no name by its address', () => {
    const line = one({ ...attempted, hop: '192.0.2.9 [192.0.2.9]:25' })[0] ?? '';
    assert.match(line, /relay=\[192\.0\.2\.9\] \[192\.0\.2\.9\], /);
  });

  it('tell of notices in the words of what they are about', () => {
    const entries = sendmailLines();
    const lines = (event: RelayEvent): readonly string[] => entries(event).lines;
    const notified: RelayEvent = { kind: 'notified', id: about, about: id, to: 'user@sender.test', action: 'failed' };
    lines({ ...attempted, outcome: 'failed', status: '5.1.1 refused' });
    assert.deepEqual(lines(notified), [`${qid}: ${sendmailQueueId(about)}: DSN: User unknown`]);
    lines({ ...attempted, outcome: 'deferred', delay: 4 * 3_600_000 });
    assert.match(
      lines({ ...notified, action: 'delayed' })[0] ?? '',
      /sender notify: Warning: could not send message for past 4 hours$/,
    );
    assert.match(lines({ ...notified, action: 'delivered' })[0] ?? '', /DSN: Return receipt$/);
  });

  it('hide nothing that Sendmail has no line for, and let no peer forge one', () => {
    assert.deepEqual(one({ kind: 'trouble', where: 'spool', detail: 'disk' }), ['SYSERR(root): spool: disk']);
    const revoked = sendmailLines()({ kind: 'revoked', serial: '1', holder: 'alice', reason: 'lost' });
    assert.deepEqual(revoked, { program: 'sealpost', lines: ['revoked certificate 1 of alice: lost'] });
    assert.match(one({ ...refused, recipient: 'a\nNov 24' })[0] ?? '', /arg1=<a\\x0ANov 24>/);
  });
});
