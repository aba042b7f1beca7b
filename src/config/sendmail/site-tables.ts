/** Which tables a site has, by its settings, and their rows. Each file that was read is told, and each that is missing. */
import { readAliases } from './aliases.ts';
import type { Located, Locator } from './locate.ts';
import type { MacroFacts } from './macros.ts';
import { type Note, note } from './note.ts';
import type { AliasRow, Finding, Given, Place, SendmailSettings, SendmailTables, TableRow } from './site.ts';
import { readMap, readWords } from './tables.ts';

export class TableReader {
  readonly #locator: Locator;
  readonly #findings: Finding[];
  readonly #main: Place;

  constructor(locator: Locator, findings: Finding[], main: string) {
    this.#locator = locator;
    this.#findings = findings;
    this.#main = { file: main, line: 1 };
  }

  read(settings: SendmailSettings, facts: MacroFacts): SendmailTables {
    const map = (feature: string): readonly TableRow[] => this.#map(feature, facts);
    const { options, features } = facts;
    const useFile = (feature: string, option: string): Given<string> | undefined =>
      features.has(feature) ? options.get(option) : undefined;
    const virtualHosts = this.#class('VirtHost', facts, undefined);
    return {
      localDomains: [...this.#ownNames(settings), ...this.#class('w', facts, useFile('use_cw_file', 'confCW_FILE'))],
      relayDomains: [...this.#class('R', facts, options.get('confCR_FILE')), ...virtualHosts],
      access: this.#access(settings),
      mailertable: map('mailertable'),
      virtusertable: map('virtusertable'),
      virtualDomains: virtualHosts,
      genericstable: map('genericstable'),
      genericsDomains: this.#class('G', facts, undefined),
      domaintable: map('domaintable'),
      masqueradeDomains: this.#class('M', facts, undefined),
      masqueradeExceptions: this.#class('N', facts, undefined),
      exposedUsers: this.#class('E', facts, undefined),
      aliases: this.#aliases(options.get('ALIAS_FILE')),
      trustedUsers: this.#class('t', facts, useFile('use_ct_file', 'confCT_FILE')),
      authinfo: map('authinfo'),
    };
  }

  /** The settings with the access map's path where it was found. */
  accessFile(settings: SendmailSettings): SendmailSettings {
    const { access } = settings;
    if (access === undefined) return settings;
    const { path } = this.#locator.find(access.value.file);
    return { ...settings, access: { ...access, value: { ...access.value, file: path } } };
  }

  /** What Sendmail puts into class w by itself. */
  #ownNames({ hostname }: SendmailSettings): TableRow[] {
    const names = [hostname?.value, 'localhost', '[127.0.0.1]'].filter((name) => name !== undefined);
    return names.map((key) => ({ ...this.#main, key, value: '' }));
  }

  #access({ access }: SendmailSettings): SendmailTables['access'] {
    if (access === undefined) {
      this.#find('dropped', this.#main, 'access', note('sendmail.noAccessMap'));
      return undefined;
    }
    const { file, optional } = access.value;
    const text = this.#text(file, access.place ?? this.#main, optional);
    return text === undefined ? undefined : { file: text.file, text: text.text };
  }

  /** The words of a class: those in sendmail.mc, those of its files. */
  #class(letter: string, facts: MacroFacts, usual: Given<string> | undefined): TableRow[] {
    const words = (facts.classes.get(letter) ?? []).map(({ value, place }) => ({
      ...(place ?? this.#main),
      key: value,
      value: '',
    }));
    const files = [...(usual === undefined ? [] : [usual]), ...(facts.classFiles.get(letter) ?? [])];
    return [...words, ...files.flatMap((file) => this.#classFile(file))];
  }

  /** `-o /etc/mail/relay-domains %[^#]`. */
  #classFile({ value, place }: Given<string>): TableRow[] {
    const words = value.split(/\s+/).filter(Boolean);
    const optional = words[0] === '-o';
    const [path = '', ...format] = optional ? words.slice(1) : words;
    const where = place ?? this.#main;
    if (path.startsWith('|') || path.startsWith('@')) {
      this.#find(
        'dropped',
        where,
        value,
        note(path.startsWith('|') ? 'sendmail.noCommand' : 'sendmail.ldap', { name: path }),
      );
      return [];
    }
    const found = this.#text(path, where, optional);
    if (found === undefined) return [];
    const rows = readWords(found.text, found.file, format.length > 0);
    // Names and addresses are looked for in classes; what can be neither is never found.
    for (const row of rows.filter(({ key }) => /[@/]/.test(key)))
      this.#find('dropped', row, row.key, note('sendmail.noHost', { name: row.key }));
    return this.#told(found.file, rows);
  }

  #map(feature: string, { features, options }: MacroFacts): readonly TableRow[] {
    const given = features.get(feature);
    if (given === undefined) return [];
    // `hash -o /etc/mail/mailertable`
    const [, ...words] = (given.value[0] ?? '').split(/\s+/).filter(Boolean);
    const written = words.findLast((word) => !word.startsWith('-'));
    const directory = options.get('MAIL_SETTINGS_DIR')?.value ?? '';
    const path = (written ?? `${directory}${feature}`).replace(/\.db$/, '');
    const found = this.#text(path, given.place ?? this.#main, words.includes('-o'));
    if (found === undefined) return [];
    const { rows, findings } = readMap(found.text, found.file);
    this.#findings.push(...findings);
    return this.#told(found.file, rows);
  }

  /** `/etc/mail/aliases, hash:/etc/mail/lists`. */
  #aliases(given: Given<string> | undefined): readonly AliasRow[] {
    const found: AliasRow[] = [];
    const names = new Set<string>();
    for (const part of (given?.value ?? '').split(',').map((text) => text.trim())) {
      const words = part.split(/\s+/).filter(Boolean);
      const [, kind, path = ''] =
        /^(?:([a-z]+):)?(.*)$/.exec(words.findLast((word) => !word.startsWith('-')) ?? '') ?? [];
      if (path === '') continue;
      const where = given?.place ?? this.#main;
      if (kind !== undefined && !['hash', 'btree', 'dbm', 'implicit', 'files', 'text', 'cdb'].includes(kind)) {
        this.#find('dropped', where, part, note('sendmail.ldap', { name: part }));
        continue;
      }
      const file = this.#text(path, where, words.includes('-o') || given?.place === undefined);
      if (file === undefined) continue;
      const { aliases, findings } = readAliases(file.text, file.file, (list) => this.#list(list));
      this.#findings.push(...findings);
      // In several files the first that has a name decides.
      const fresh = aliases.filter(({ name }) => !names.has(name));
      for (const { name } of fresh) names.add(name);
      found.push(...this.#told(file.file, fresh));
    }
    return found;
  }

  #list(path: string): { text: string; file: string } | undefined {
    const located = this.#locator.find(path);
    const text = located.exists ? this.#locator.files.read(located.path) : undefined;
    return text === undefined ? undefined : { text, file: located.path };
  }

  #text(path: string, place: Place, optional: boolean): { text: string; file: string } | undefined {
    const located = this.#locator.find(path);
    const text = located.exists ? this.#locator.files.read(located.path) : undefined;
    if (text === undefined) {
      this.#missing(path, located, place, optional);
      return undefined;
    }
    if (located.copied)
      this.#find('changed', place, path, note('sendmail.copied', { written: path, path: located.path }));
    return { text, file: located.path };
  }

  #missing(written: string, { path }: Located, place: Place, optional: boolean): void {
    const database = this.#locator.find(`${written}.db`);
    if (database.exists)
      this.#find('dropped', place, written, note('sendmail.databaseMap', { path, database: database.path }));
    else if (!optional) this.#find('dropped', place, written, note('sendmail.fileMissing', { path }));
  }

  #told<T>(file: string, rows: readonly T[]): T[] {
    this.#find('kept', { file, line: 1 }, '', note('sendmail.tableRows', { rows: rows.length }));
    return [...rows];
  }

  #find(fate: Finding['fate'], { file, line }: Place, text: string, why: Note): void {
    this.#findings.push({ file, line, fate, text: text.slice(0, 200), note: why });
  }
}
