/** Reads the parameters and tables of a Postfix directory, and writes down what becomes of each. */
import type { Fate, Finding, SiteFiles, TableRow } from '../sendmail/site.ts';
import { levelOf } from './level.ts';
import { MainCf, type MainParameter, logicalLines, parseMainCf } from './main-cf.ts';
import type { PostfixNoteKey } from './note.ts';

/** Those that are used and that Postfix has values for (compatibility_level 3.6). */
const DEFAULTS: Readonly<Record<string, string>> = {
  mydomain: '',
  myorigin: '$myhostname',
  mydestination: '$myhostname, localhost.$mydomain, localhost',
  smtpd_relay_restrictions: 'permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination',
  smtpd_tls_key_file: '$smtpd_tls_cert_file',
  smtp_tls_key_file: '$smtp_tls_cert_file',
  smtpd_tls_fingerprint_digest: 'sha256',
  message_size_limit: '10240000',
  config_directory: '/etc/postfix',
};

/** Tables that are text files; the others are queries, or only there compiled. */
const TEXT_TABLES = /^(?:hash|btree|lmdb|dbm|cdb|texthash):(.+)$/;

export class PostfixReader {
  readonly main: MainCf;
  readonly findings: Finding[] = [];
  readonly #parameters: readonly MainParameter[];
  readonly #file: string;
  readonly #files: SiteFiles;
  readonly #told = new Set<string>();

  constructor(file: string, text: string, directory: string, hostname: string, files: SiteFiles) {
    this.#file = file;
    this.#files = files;
    this.#parameters = parseMainCf(text);
    const values = new Map(Object.entries({ ...DEFAULTS, config_directory: directory, myhostname: hostname }));
    for (const { name, value } of this.#parameters) values.set(name, value);
    if (values.get('mydomain') === '') values.set('mydomain', (values.get('myhostname') ?? '').replace(/^[^.]*\./, ''));
    this.main = new MainCf(values);
  }

  has(name: string): boolean {
    return this.#parameters.some((parameter) => parameter.name === name);
  }

  /** Says what becomes of a parameter that is in the file; the last setting of it counts. */
  tell(name: string, fate: Fate, key?: PostfixNoteKey, values: Readonly<Record<string, string | number>> = {}): void {
    const parameter = this.#parameters.findLast((one) => one.name === name);
    this.#told.add(name);
    const text = parameter === undefined ? `${name} = ${this.main.get(name)}` : `${name} = ${parameter.value}`;
    const line = parameter?.line ?? 1;
    this.add({ file: this.#file, line }, text, fate, key, { name, ...values });
  }

  row(row: TableRow, fate: Fate, key: PostfixNoteKey | undefined): void {
    this.add(row, `${row.key} ${row.value}`, fate, key, { name: row.key });
  }

  add(
    { file, line }: { readonly file: string; readonly line: number },
    text: string,
    fate: Fate,
    key: PostfixNoteKey | undefined,
    values: Readonly<Record<string, string | number>>,
  ): void {
    this.findings.push({ file, line, fate, text: text.slice(0, 200), note: key && { key, values } });
  }

  /** Parameters that nothing was said of. */
  rest(): void {
    for (const { name } of this.#parameters) if (!this.#told.has(name)) this.tell(name, 'dropped', 'postfix.unused');
  }

  /** Text files of a list of tables; others are told of. */
  tables(name: string): string[] {
    const found: string[] = [];
    let others = false;
    for (const written of this.main.list(name)) {
      const [, path] = TEXT_TABLES.exec(written) ?? [];
      if (path !== undefined && this.#files.read(path) !== undefined) found.push(path);
      else others = true;
    }
    if (this.has(name)) this.tell(name, others ? 'changed' : 'kept', others ? 'postfix.map' : undefined);
    return found;
  }

  /** Rows of all text tables of a parameter, the first with a key counts. */
  rows(name: string): TableRow[] {
    const seen = new Set<string>();
    return this.tables(name).flatMap((file) =>
      logicalLines(this.#files.read(file) ?? '').flatMap(({ text, line }) => {
        const [, key = '', value = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
        if (key === '' || seen.has(key.toLowerCase())) return [];
        seen.add(key.toLowerCase());
        return [{ file, line, key, value }];
      }),
    );
  }

  level(name: string): string {
    const level = levelOf(this.main.get(name));
    if (this.has(name)) this.tell(name, level?.same ? 'kept' : 'changed', level?.same ? undefined : 'postfix.security');
    return level?.tls ?? 'required';
  }
}
