import assert from 'node:assert/strict';
import { formatCommand, lineText, parseCommand, type Command } from '../../src/protocol/smtp/command.ts';

/** A command line without its end. */
export function target(bytes: Uint8Array): void {
  for (const utf8 of [false, true]) {
    const result = parseCommand(lineText(bytes), utf8);
    if (result.kind === 'refused') continue;
    const again = parseCommand(formatCommand(result.command), utf8);
    assert.ok(again.kind === 'command', 'what was parsed cannot be parsed when it is written again');
    assert.deepEqual(canonical(again.command), canonical(result.command));
  }
}

function canonical(command: Command): object {
  return { ...command, typed: '' };
}
