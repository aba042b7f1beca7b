/** What the demo prints and counts: steps with their time, commands as a user types them, output as it came. */
import { strict as assert } from 'node:assert';
import { type Colour, painter, table } from '../src/cli/output.ts';
import type { DemoMessages } from './messages.ts';

/** Longest that one step may take, ms. */
const STEP = 30_000;

export interface StageOutput {
  write(text: string): void;
  readonly isTTY?: boolean | undefined;
}

/** A step as the summary has it. */
interface DoneStep {
  readonly number: number;
  readonly guide: string;
  readonly happened: string;
  readonly span: number;
}

/** A step did not do what it says. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  readonly step: string;

  constructor(step: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.step = step;
  }
}

export class Stage {
  readonly #out: StageOutput;
  readonly #messages: DemoMessages;
  readonly #paint: (colour: Colour, text: string) => string;
  readonly #done: DoneStep[] = [];
  #keywordsShown = false;

  constructor(out: StageOutput, messages: DemoMessages, colour: boolean) {
    this.#out = out;
    this.#messages = messages;
    this.#paint = painter(colour);
  }

  /**
   * Runs a step. `guide` is the step of the guide it stands for; `act` gives what happened in a few words, and throws
   * when it is not what the title says. Rejects with StepFailed.
   */
  async step(title: string, guide: string, act: () => Promise<string>): Promise<void> {
    const number = this.#done.length + 1;
    const name = `${number}. ${title}`;
    this.#out.write(`\n${this.#paint('bold', `== ${name}`)}\n`);
    const begun = performance.now();
    const timer = Promise.withResolvers<never>();
    const alarm = setTimeout(() => timer.reject(new Error(`took longer than ${STEP / 1_000} s`)), STEP);
    try {
      const happened = await Promise.race([act(), timer.promise]);
      this.#done.push({ number, guide, happened, span: performance.now() - begun });
      this.#out.write(`${this.#paint('green', `ok: ${happened}`)}\n`);
    } catch (thrown) {
      throw new StepFailed(name, thrown);
    } finally {
      clearTimeout(alarm);
    }
  }

  /** A line of explanation. */
  say(text: string): void {
    this.#out.write(`${this.#paint('dim', `# ${text}`)}\n`);
  }

  /** A command as it is typed. */
  command(line: string): void {
    this.#out.write(`${this.#paint('bold', `$ ${line}`)}\n`);
  }

  /** Output as it came; of more than `most` lines the first ones, and how many are left out. */
  show(text: string, most = 40): void {
    const lines = text.trimEnd().split('\n');
    this.#out.write(`${lines.slice(0, most).join('\n')}\n`);
    if (lines.length > most)
      this.#out.write(`${this.#paint('dim', `[${this.#messages.more(lines.length - most)}]`)}\n`);
  }

  /** `C:` and `S:` lines; what EHLO offers is shown whole the first time alone. */
  dialogue(lines: readonly string[]): void {
    const keyword = /^S: 250[- ][A-Z0-9]+(?: [A-Z0-9=]+)*$/;
    const shown = this.#keywordsShown ? lines.filter((line) => !keyword.test(line)) : lines;
    this.#keywordsShown = true;
    this.show(shown.join('\n'));
    const left = lines.length - shown.length;
    if (left > 0) this.#out.write(`${this.#paint('dim', `[${this.#messages.keywords(left)}]`)}\n`);
  }

  failure(failed: StepFailed): void {
    this.#out.write(`\n${this.#paint('red', this.#messages.failed(failed.step))}\n${failed.message}\n`);
  }

  /** The table at the end. */
  summary(total: number): void {
    const { columns, passed } = this.#messages;
    const rows = this.#done.map(({ number, guide, happened, span }) => [
      String(number),
      guide,
      happened,
      `${(span / 1_000).toFixed(1)} s`,
    ]);
    this.#out.write(`\n${table(columns, rows, ['right', 'left', 'left', 'right'])}\n`);
    this.#out.write(`${this.#paint('green', passed(rows.length, (total / 1_000).toFixed(1)))}\n`);
  }
}

/** The one match of a pattern; throws with the text when there is none. */
export function found(text: string, pattern: RegExp): string {
  const match = pattern.exec(text);
  assert(match !== null, `expected ${String(pattern)} in:\n${text}`);
  return match[1] ?? match[0];
}
