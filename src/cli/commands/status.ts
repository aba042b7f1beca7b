import { type Command, buildCommand } from '@stricli/core';
import type { StatusReport } from '../../admin/status.ts';
import { type CliContext, Printer, operate } from '../context.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { MessageKey, Messages } from '../messages/en.ts';
import { date, hostPort, pairs, safe, span, time } from '../output.ts';
import { warningWords } from './trust-words.ts';

/** Certificates that end soon, named one by one. */
const ENDING = 10;
/** Behind the log by more than this, a clock was set back. */
const CLOCK = 300_000;

export function statusCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const report = (await operate(this, flags, 'status', {})) as StatusReport;
      printer.data(report, () => pairs(statusLines(printer, report)));
    },
    parameters: { flags: commonFlags(messages), aliases: directoryAlias },
    docs: {
      brief: messages['status.brief'],
      fullDescription: helpText(messages, undefined, ['status', 'status --json']),
    },
  });
}

function statusLines(printer: Printer, report: StatusReport): (readonly [string, string])[] {
  const { counts, queue, certificates, listeners } = report;
  const running =
    report.startedAt === null
      ? printer.paint('yellow', printer.say('status.stopped'))
      : printer.paint(
          'green',
          printer.say('status.running', { since: time(report.startedAt), span: span(report.now - report.startedAt) }),
        );
  const oldest = queue.oldest === undefined ? '' : printer.say('status.queue.oldest', { at: time(queue.oldest) });
  return [
    [printer.say('status.relay'), `${report.hostname}, ${running}`],
    [printer.say('status.directory'), report.directory],
    ...listeners.map(
      ({ name, address, port, tls, fault }, index) =>
        [
          index === 0 ? printer.say('status.listeners') : '',
          fault === undefined
            ? `${name} ${hostPort(address, port)} (${tls})`
            : printer.paint('red', printer.say('status.notOpen', { name, fault: safe(fault) })),
        ] as const,
    ),
    ...(counts === null
      ? []
      : [
          [printer.say('status.sessions'), String(counts.sessions)] as const,
          [printer.say('status.mail'), printer.say('status.mail.counts', counts)] as const,
        ]),
    [
      printer.say('status.queue'),
      printer.say('status.queue.counts', { entries: queue.entries, deliveries: queue.deliveries, held: queue.held }) +
        oldest,
    ],
    [
      printer.say('status.certificates'),
      printer.say('status.certificates.counts', {
        active: certificates.active,
        suspended: certificates.suspended,
        revoked: certificates.revoked,
      }),
    ],
    ...certificates.ending
      .slice(0, ENDING)
      .map(
        ({ holder, serial, notAfter }) =>
          ['', printer.paint('yellow', printer.say('status.ending', { at: date(notAfter), holder, serial }))] as const,
      ),
    ...keyLines(printer, report),
    ...logLines(printer, report),
    ...trustLines(printer, report),
  ];
}

/** Only when certificates cannot be issued. */
function keyLines(printer: Printer, { issuingKey }: StatusReport): (readonly [string, string])[] {
  if (issuingKey === null || issuingKey.state === 'open' || issuingKey.state === 'protected') return [];
  const words = printer.say(`ca.key.${issuingKey.state}`);
  const fault = issuingKey.fault === null ? '' : `: ${safe(issuingKey.fault)}`;
  return [[printer.say('ca.issuingKey'), printer.paint('yellow', `${words}${fault}`)]];
}

/** What the ledger and its log have to tell beyond the counts. */
function logLines(printer: Printer, { certificates, log }: StatusReport): (readonly [string, string])[] {
  const warn = (key: MessageKey, values: Readonly<Record<string, string | number>>): readonly [string, string] => [
    '',
    printer.paint('yellow', printer.say(key, values)),
  ];
  const more = certificates.endingCount - Math.min(certificates.ending.length, ENDING);
  const lines = more > 0 ? [warn('status.ending.more', { count: more })] : [];
  if (certificates.abandoned > 0) lines.push(warn('status.abandoned', { count: certificates.abandoned }));
  if (log === null) return lines;
  lines.push([printer.say('status.log'), printer.say('status.log.head', { entries: log.entries, head: log.head })]);
  if (log.clockBehind > CLOCK) lines.push(warn('status.log.clock', { span: span(log.clockBehind) }));
  return lines;
}

function trustLines(printer: Printer, { trusts }: StatusReport): (readonly [string, string])[] {
  if (trusts.count === 0) return [];
  const told = [...trusts.faults.map(safe), ...trusts.warnings.map((one) => warningWords(printer, one))];
  return [
    [printer.say('status.trusts'), printer.say('status.trusts.count', { count: trusts.count })],
    ...told.map((line) => ['', printer.paint('yellow', line)] as const),
  ];
}
