import { type Command, buildCommand } from '@stricli/core';
import type { StatusReport } from '../../admin/status.ts';
import { type CliContext, Printer, directoryOf } from '../context.ts';
import { type CommonFlags, commonFlags, directoryAlias, helpText } from '../flags.ts';
import type { Messages } from '../messages/en.ts';
import { date, hostPort, pairs, safe, span, time } from '../output.ts';
import { warningWords } from './trust-words.ts';

export function statusCommand(messages: Messages): Command<CliContext> {
  return buildCommand<CommonFlags, [], CliContext>({
    async func(flags) {
      const printer = new Printer(this, flags.json);
      const report = (await this.reach.operate(directoryOf(this, flags.directory), 'status', {})) as StatusReport;
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
      ({ name, address, port, tls }, index) =>
        [index === 0 ? printer.say('status.listeners') : '', `${name} ${hostPort(address, port)} (${tls})`] as const,
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
      .slice(0, 10)
      .map(
        ({ holder, serial, notAfter }) =>
          ['', printer.paint('yellow', printer.say('status.ending', { at: date(notAfter), holder, serial }))] as const,
      ),
    ...trustLines(printer, report),
  ];
}

function trustLines(printer: Printer, { trusts }: StatusReport): (readonly [string, string])[] {
  if (trusts.count === 0) return [];
  const told = [...trusts.faults.map(safe), ...trusts.warnings.map((one) => warningWords(printer, one))];
  return [
    [printer.say('status.trusts'), printer.say('status.trusts.count', { count: trusts.count })],
    ...told.map((line) => ['', printer.paint('yellow', line)] as const),
  ];
}
