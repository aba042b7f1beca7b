import assert from 'node:assert/strict';
import {
  formatCommand,
  lineText,
  parseCommand,
  plainContext,
  type Command,
  type CommandContext,
} from '../../src/protocol/smtp/command.ts';

/** A command line without its end. */
export function target(bytes: Uint8Array): void {
  const contexts: CommandContext[] = [
    plainContext,
    { ...plainContext, utf8: true },
    { utf8: false, dialect: 'sendmail', withheld: new Set(['DSN', 'SMTPUTF8', 'BINARYMIME']) },
  ];
  for (const context of contexts) {
    const result = parseCommand(lineText(bytes), context);
    if (result.kind === 'refused') continue;
    const again = parseCommand(formatCommand(result.command), context);
    assert.ok(again.kind === 'command', 'what was parsed cannot be parsed when it is written again');
    assert.deepEqual(canonical(again.command), canonical(result.command));
  }
}

function canonical(command: Command): object {
  return { ...command, typed: '' };
}
