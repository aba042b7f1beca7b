import type { NewPassword, PasswordView } from '../../admin/password.ts';
import type { Printer } from '../context.ts';
import type { ClientFacts } from '../../admin/client-facts.ts';
import { date, pairs, safe, table } from '../output.ts';

export type ServerFacts = Pick<ClientFacts, 'hostname' | 'submission'>;

/** A new password, shown once, with all that a mail program asks for. */
export function addedWords(printer: Printer, made: NewPassword, server: ServerFacts | null): string {
  const { id, holder, label, password, expires, need } = made;
  const rows: (readonly [string, string])[] = [];
  if (server?.submission) {
    const { hostname, submission } = server;
    const where = printer.say(`password.${submission.tls}`, { hostname, port: submission.port });
    rows.push([printer.say('password.server'), where]);
  }
  rows.push([printer.say('password.user'), holder]);
  if (password !== null) rows.push([printer.say('password.password'), printer.paint('bold', password)]);
  if (expires !== null) rows.push([printer.say('token.until'), date(expires)]);
  const lines = [
    printer.paint('green', printer.say('password.added', { id, holder: safe(holder), label: safe(label) })),
    pairs(rows).trimEnd(),
  ];
  if (password !== null) lines.push(printer.say('password.once'));
  if (need === 'both') lines.push(printer.say('password.need.both', { holder: safe(holder) }));
  return `${lines.join('\n')}\n`;
}

export function listWords(printer: Printer, list: readonly PasswordView[]): string {
  if (list.length === 0) return `${printer.say('password.empty')}\n`;
  const heads = (['acmeKey', 'holder', 'label', 'state', 'made', 'until', 'used'] as const).map((name) =>
    printer.say(`column.${name}`),
  );
  return table(
    heads,
    list.map(({ id, holder, label, state, createdAt, expires, usedAt }) => [
      id,
      safe(holder),
      safe(label),
      printer.say(`password.state.${state}`),
      date(createdAt),
      expires === null ? '-' : date(expires),
      usedAt === null ? printer.say('password.never') : date(usedAt),
    ]),
  );
}
