/** What one message of 4 KB costs in the server engine: `node bench/smtp-server-engine.bench.ts`. */
import { bench, run } from 'mitata';
import { statuses } from '../src/base/status.ts';
import { replyOf, type Reply } from '../src/protocol/smtp/reply.ts';
import { serverEngine, type ServerEngine, type ServerLimits } from '../src/protocol/smtp/server.ts';

const limits: ServerLimits = {
  commandLine: 512,
  authLine: 12_288,
  messageSize: 50_000_000,
  recipients: 1000,
  messagesPerSession: Number.MAX_SAFE_INTEGER,
  errors: 20,
  idleCommands: 100,
  buffer: 262_144,
};

const replies: Readonly<Record<string, Reply>> = {
  hello: replyOf(statuses.hello, { hostname: 'mx.example', client: 'client.example' }),
  mail: replyOf(statuses['sender-ok'], { address: '<alice@example.net>' }),
  recipient: replyOf(statuses['recipient-ok'], { address: '<bob@example.com>' }),
  'content-start': replyOf(statuses['start-mail']),
  'content-end': replyOf(statuses.accepted, { id: '0123456789A' }),
};

const content = Buffer.from(`Subject: a message\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(56)}`);
const dotted = Buffer.from(`Subject: a message\r\n\r\n${`..${'x'.repeat(68)}\r\n`.repeat(56)}`);
const end = Buffer.from('.\r\n');
const commands = Buffer.from(
  'MAIL FROM:<alice@example.net> SIZE=4096 BODY=8BITMIME\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n',
);
const chunked = Buffer.concat([
  Buffer.from(
    `MAIL FROM:<alice@example.net> SIZE=4096\r\nRCPT TO:<bob@example.com>\r\nBDAT ${content.length} LAST\r\n`,
  ),
  content,
]);
const large = Buffer.alloc(65_536, `${'x'.repeat(70)}\r\n`);

bench('MAIL, RCPT and DATA pipelined, then 4 KB of content', function* () {
  const engine = greeted();
  const message = Buffer.concat([content, end]);
  yield () => {
    give(engine, commands);
    give(engine, message);
  };
});

bench('the same with a dot before each line', function* () {
  const engine = greeted();
  const message = Buffer.concat([dotted, end]);
  yield () => {
    give(engine, commands);
    give(engine, message);
  };
});

bench('MAIL, RCPT and BDAT with 4 KB, all in one piece', function* () {
  const engine = greeted();
  yield () => give(engine, chunked);
});

bench('64 KB of content', function* () {
  const engine = greeted();
  give(engine, commands);
  let size = 0;
  yield () => {
    give(engine, large);
    size += large.length;
    if (size < 40_000_000) return;
    size = 0;
    give(engine, end);
    give(engine, commands);
  };
});

function greeted(): ServerEngine {
  const engine = serverEngine('mx.example', limits);
  engine.greet(replyOf(statuses.greeting, { hostname: 'mx.example' }));
  give(engine, Buffer.from('EHLO client.example\r\n'));
  return engine;
}

function give(engine: ServerEngine, bytes: Uint8Array): void {
  engine.receive(bytes);
  for (let event = engine.next(); event !== undefined; event = engine.next()) {
    const reply = replies[event.kind];
    if (reply !== undefined) engine.answer(reply);
    else if (event.kind !== 'content') throw new Error(`unexpected ${event.kind}`);
  }
  engine.output();
}

await run();
