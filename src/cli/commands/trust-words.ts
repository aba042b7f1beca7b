/** CAs from outside in words. */
import type { TrustView, TrustWarning } from '../../admin/trust.ts';
import type { Printer } from '../context.ts';
import { date, pairs, safe, table, time } from '../output.ts';

export function warningWords(printer: Printer, { kind, trust, subject, at, expired }: TrustWarning): string {
  const values = { trust, subject: safe(subject), at: at === null ? '' : time(at) };
  return kind === 'ca-ended' || kind === 'ca-ends'
    ? printer.say(`trust.warn.${kind}`, values)
    : printer.say(`trust.warn.${kind}.${expired ?? 'refuse'}`, values);
}

export function trustListWords(printer: Printer, list: readonly TrustView[]): string {
  if (list.length === 0) return `${printer.say('trust.empty')}\n`;
  const heads = (['name', 'subject', 'until', 'relay', 'crl'] as const).map((name) => printer.say(`column.${name}`));
  return table(
    heads,
    list.map(({ name, cas, relay, crl, faults }) => {
      if (faults.length > 0) return [name, printer.paint('red', printer.say('trust.fault')), '-', '-', '-'];
      const ends = crl?.lists.map(({ nextUpdate }) => nextUpdate) ?? [];
      const [rule] = relay;
      return [
        name,
        safe(cas.find(({ root }) => root)?.subject ?? '-'),
        date(Math.min(...cas.map(({ notAfter }) => notAfter))),
        (rule === undefined ? '-' : safe(rule.rule)) + (relay.length > 1 ? ` +${relay.length - 1}` : ''),
        crl === null ? '-' : ends.length === 0 ? printer.say('trust.none') : date(Math.min(...ends)),
      ];
    }),
  );
}

export function trustWords(printer: Printer, { name, faults, cas, relay, crl, warnings, remarks }: TrustView): string {
  const rows: (readonly [string, string])[] = [[printer.say('column.name'), name]];
  for (const fault of faults) rows.push([printer.say('trust.fault'), printer.paint('red', safe(fault))]);
  for (const { subject, root, notAfter, fingerprint } of cas) {
    rows.push([
      printer.say(root ? 'trust.root' : 'trust.intermediate'),
      `${safe(subject)}, ${printer.say('trust.until', { at: date(notAfter) })}`,
    ]);
    rows.push([printer.say('show.fingerprint'), fingerprint]);
  }
  if (faults.length === 0) {
    if (relay.length === 0) rows.push([printer.say('trust.rules'), printer.say('trust.rules.none')]);
    for (const [index, { rule, source }] of relay.entries())
      rows.push([index === 0 ? printer.say('trust.rules') : '', `${safe(rule)} (${source})`]);
    rows.push(...crlRows(printer, crl));
  }
  for (const remark of remarks) rows.push(['', printer.paint('yellow', safe(remark))]);
  for (const warning of warnings) rows.push(['', printer.paint('yellow', warningWords(printer, warning))]);
  return pairs(rows);
}

function crlRows(printer: Printer, crl: TrustView['crl']): (readonly [string, string])[] {
  if (crl === null) return [[printer.say('trust.crl'), printer.say('trust.crl.none')]];
  return [
    [printer.say('trust.crl'), printer.say(`trust.crl.expired.${crl.expired}`)],
    ...(crl.url === null ? [] : [[printer.say('trust.crl.url'), safe(crl.url)] as const]),
    ...crl.lists.map(
      ({ issuer, revoked, number, nextUpdate }) =>
        [
          '',
          printer.say('trust.crl.list', { issuer: safe(issuer), revoked, number: number ?? '-', at: time(nextUpdate) }),
        ] as const,
    ),
  ];
}
