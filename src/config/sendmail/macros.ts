/**
 * Sendmail's macros: sendmail.mc is read by m4 with these in it, and what they were told is written down with its place,
 * each call with what becomes of it. Nothing is written that Sendmail would read.
 */
import { nearest } from '../nearest.ts';
import { unknownModifiers } from './daemons.ts';
import { badArgument, featureName, judgeFeature, usualArguments } from './features.ts';
import type { Macro, MacroCall } from './m4-machine.ts';
import { M4 } from './m4.ts';
import { type Note, note } from './note.ts';
import { type Judgement, isOption, judgeMechanisms, judgeOption } from './options.ts';
import { BUILT_IN, builtInFile, isBuiltIn } from './platforms.ts';
import type { Fate, Finding, Given, Place } from './site.ts';

/** What the macros of one sendmail.mc said. */
export interface MacroFacts {
  /** Macros of Sendmail that are defined, with their values at the end. */
  readonly options: Map<string, Given<string>>;
  readonly features: Map<string, Given<readonly string[]>>;
  /** DAEMON_OPTIONS, in order. */
  readonly daemons: Given<string>[];
  /** Words of classes, by the letter or name of the class. */
  readonly classes: Map<string, Given<string>[]>;
  /** Files of classes, as written: with `-o` and a format, maybe. */
  readonly classFiles: Map<string, Given<string>[]>;
  readonly mailers: Set<string>;
  readonly masqueradeAs: Given<string> | undefined;
  readonly findings: Finding[];
}

/** Class of the macros that add to one; all have a form with _FILE but for the first two. */
const classMacros: Readonly<Record<string, { class: string; note: Note | undefined; file: boolean }>> = {
  LOCAL_DOMAIN: { class: 'w', note: undefined, file: false },
  TRUST_AUTH_MECH: { class: 'TrustAuthMech', note: undefined, file: false },
  RELAY_DOMAIN: { class: 'R', note: undefined, file: true },
  VIRTUSER_DOMAIN: { class: 'VirtHost', note: undefined, file: true },
  GENERICS_DOMAIN: { class: 'G', note: undefined, file: true },
  EXPOSED_USER: { class: 'E', note: undefined, file: true },
  LOCAL_USER: { class: 'L', note: note('sendmail.localDelivery', { name: 'LOCAL_USER' }), file: true },
  MASQUERADE_DOMAIN: { class: 'M', note: undefined, file: true },
  MASQUERADE_EXCEPTION: { class: 'N', note: undefined, file: true },
  CANONIFY_DOMAIN: { class: 'Canonify', note: note('sendmail.rewriting', { name: 'CANONIFY_DOMAIN' }), file: true },
  LDAPROUTE_DOMAIN: { class: 'LDAPRoute', note: note('sendmail.ldap', { name: 'LDAPROUTE_DOMAIN' }), file: true },
  LDAPROUTE_EQUIVALENT: {
    class: 'LDAPRouteEquiv',
    note: note('sendmail.ldap', { name: 'LDAPROUTE_EQUIVALENT' }),
    file: true,
  },
};

/** Macros that are heard and have no effect here. */
const idleMacros: Readonly<Record<string, Note | undefined>> = {
  VERSIONID: undefined,
  CLIENT_OPTIONS: note('sendmail.clientOptions'),
  HACK: note('sendmail.rewriting', { name: 'HACK' }),
  MAIL_FILTER: note('sendmail.mailFilter', { name: 'MAIL_FILTER' }),
  INPUT_MAIL_FILTER: note('sendmail.mailFilter', { name: 'INPUT_MAIL_FILTER' }),
  QUEUE_GROUP: note('sendmail.ownSpool', { name: 'QUEUE_GROUP' }),
  MODIFY_MAILER_FLAGS: note('sendmail.rewriting', { name: 'MODIFY_MAILER_FLAGS' }),
  SITECONFIG: note('sendmail.rewriting', { name: 'SITECONFIG' }),
  SITE: note('sendmail.rewriting', { name: 'SITE' }),
  UUCPSMTP: note('sendmail.localDelivery', { name: 'UUCPSMTP' }),
};

const smtpMailers = ['smtp', 'local'];

/** How files are reached; `include` and the words of the machine's own cf directory. */
export type ReadInclude = (path: string, place: Place) => { readonly text: string; readonly file: string } | undefined;

export class SendmailMacros {
  readonly facts: MacroFacts & { masqueradeAs: Given<string> | undefined } = {
    options: new Map(),
    features: new Map(),
    daemons: [],
    classes: new Map(),
    classFiles: new Map(),
    mailers: new Set(),
    masqueradeAs: undefined,
    findings: [],
  };
  readonly m4: M4;
  /** Where each macro of Sendmail was defined last. */
  readonly #defined = new Map<string, { place: Place | undefined; finding: number | undefined }>();

  constructor(read: ReadInclude, file: string) {
    this.m4 = new M4(
      {
        read: (path, place) => builtInFile(path) ?? read(path, place),
        macros: this.#macros(),
        defined: (name, value, call) => this.#define(name, value, call),
      },
      file,
    );
  }

  /** Reads sendmail.mc. `settingsDirectory`: what MAIL_SETTINGS_DIR is without a definition, with a slash at its end. */
  read(text: string, file: string, settingsDirectory: string): void {
    this.m4.define('MAIL_SETTINGS_DIR', { kind: 'text', body: settingsDirectory }, false);
    // A file that brings cf.m4 itself is read from its beginning by m4's own rules, with # for comments.
    this.m4.run(/^(?!dnl).*include\([^)]*cf\.m4/m.test(text) ? text : `${PREAMBLE}${text}`, file);
    this.#findValues();
    this.#findComplaints();
  }

  find(fate: Fate, place: Place, text: string, why: Note | undefined): number {
    const first = text.split('\n', 1)[0]?.trim().slice(0, 200) ?? '';
    return this.facts.findings.push({ file: place.file, line: place.line, fate, text: first, note: why }) - 1;
  }

  #macros(): ReadonlyMap<string, Macro> {
    const macros = new Map<string, Macro>([
      ['FEATURE', (call) => this.#feature(call)],
      ['MAILER', (call) => this.#mailer(call)],
      ['OSTYPE', (call) => this.#osType(call)],
      ['DOMAIN', (call) => this.#domain(call)],
      ['DAEMON_OPTIONS', (call) => this.#daemon(call)],
      ['MASQUERADE_AS', (call) => this.#masqueradeAs(call)],
    ]);
    for (const [name, why] of Object.entries(idleMacros)) {
      macros.set(name, (call) => this.#heard(call, why === undefined ? 'kept' : 'dropped', why));
    }
    for (const [name, { class: letter, note: why, file }] of Object.entries(classMacros)) {
      macros.set(name, (call) => this.#classWords(call, letter, why));
      if (file) macros.set(`${name}_FILE`, (call) => this.#classFile(call, letter, why));
    }
    return macros;
  }

  #heard({ place, text }: MacroCall, fate: Fate, why: Note | undefined): string {
    if (!isBuiltIn(place)) this.find(fate, place, text, why);
    return '';
  }

  #define(name: string, value: string | undefined, call: MacroCall): void {
    if (name === '__D__') return;
    if (isBuiltIn(call.place)) {
      if (value === undefined) this.#defined.delete(name);
      else if (isOption(name)) this.#defined.set(name, { place: undefined, finding: undefined });
      return;
    }
    const before = this.#defined.get(name);
    const at = before?.finding === undefined ? undefined : this.facts.findings[before.finding];
    if (before?.finding !== undefined && at !== undefined)
      this.facts.findings[before.finding] = {
        ...at,
        fate: 'dropped',
        note: note('sendmail.overridden', { name, place: `${call.place.file}:${call.place.line}` }),
      };
    const { fate, note: why } = value === undefined ? judgeOption('') : judgeOption(name, value);
    const finding = this.find(fate, call.place, call.text, why);
    if (value === undefined) this.#defined.delete(name);
    else this.#defined.set(name, { place: call.place, finding: isOption(name) ? finding : undefined });
  }

  #feature(call: MacroCall): string {
    const { place, text } = call;
    // What stands in quotes is expanded where the feature uses it: `DATABASE_MAP_TYPE -o MAP_DIR/access'.
    const [written = '', ...given] = call.given.map((argument) => this.#asUsed(argument, place).trim());
    const name = featureName(written);
    const where = isBuiltIn(place) ? undefined : place;
    const { fate, note: why } = judgeFeature(written);
    if (where !== undefined) {
      const late = this.facts.mailers.size > 0 && fate === 'kept';
      if (needsAccess.has(name) && !this.facts.features.has('access_db')) {
        this.find('dropped', place, text, note('sendmail.featureNeedsAccess', { name }));
        return '';
      }
      const bad = badArgument(name, given);
      if (bad !== undefined)
        this.find('changed', place, text, note('sendmail.featureArgument', { name, argument: bad }));
      else this.find(fate, place, text, late ? note('sendmail.featureAfterMailer', { name }) : why);
    }
    this.facts.features.set(name, { value: usualArguments(name, given), place: where });
    return '';
  }

  /** An argument with the macros in it expanded; one with calls in it is left as it is. */
  #asUsed(argument: string, place: Place): string {
    return /[()`']/.test(argument) ? argument : this.m4.expandHere(argument, place);
  }

  #mailer({ given: [name = ''], place, text }: MacroCall): string {
    const mailer = name.trim();
    this.facts.mailers.add(mailer);
    if (isBuiltIn(place)) return '';
    const fits = smtpMailers.includes(mailer);
    this.find(fits ? 'kept' : 'dropped', place, text, fits ? undefined : note('sendmail.mailer', { name: mailer }));
    return '';
  }

  #osType({ given: [name = ''], place, text }: MacroCall): string {
    const path = `${BUILT_IN}/ostype/${name.trim()}.m4`;
    const known = builtInFile(path) !== undefined;
    this.find(
      known ? 'kept' : 'changed',
      place,
      text,
      known ? undefined : note('sendmail.systemDefaults', { name: name.trim() }),
    );
    return known ? aside(path) : '';
  }

  #domain({ given: [name = ''], place, text }: MacroCall): string {
    this.find('kept', place, text, undefined);
    const path = `domain/${name.trim()}.m4`;
    return aside(builtInFile(`${BUILT_IN}/${path}`) === undefined ? path : `${BUILT_IN}/${path}`);
  }

  #daemon({ given, place, text }: MacroCall): string {
    const value = given.join(',');
    this.facts.daemons.push({ value, place });
    const letters = unknownModifiers(value);
    if (letters === '') this.find('kept', place, text, undefined);
    else this.find('changed', place, text, note('sendmail.daemonModifiers', { letters }));
    return '';
  }

  #masqueradeAs({ given: [name = ''], place, text }: MacroCall): string {
    this.facts.masqueradeAs = { value: name.trim(), place };
    this.find('kept', place, text, note('sendmail.rewritten', { name: 'MASQUERADE_AS' }));
    return '';
  }

  #classWords(call: MacroCall, letter: string, why: Note | undefined): string {
    for (const word of (call.given[0] ?? '').split(/\s+/)) {
      if (word !== '') this.addWord(letter, word, call.place);
    }
    const trusted: Judgement | undefined =
      letter === 'TrustAuthMech' ? judgeMechanisms('TRUST_AUTH_MECH', call.given[0] ?? '') : undefined;
    if (trusted !== undefined) return this.#heard(call, trusted.fate, trusted.note);
    return this.#heard(call, why === undefined ? 'kept' : 'dropped', why);
  }

  #classFile(call: MacroCall, letter: string, why: Note | undefined): string {
    this.addFile(letter, call.given[0] ?? '', call.place);
    return this.#heard(call, why === undefined ? 'kept' : 'dropped', why);
  }

  addWord(letter: string, word: string, place: Place): void {
    const words = this.facts.classes.get(letter) ?? [];
    words.push({ value: word, place: isBuiltIn(place) ? undefined : place });
    this.facts.classes.set(letter, words);
  }

  addFile(letter: string, path: string, place: Place | undefined): void {
    const paths = this.facts.classFiles.get(letter) ?? [];
    paths.push({ value: path.trim(), place });
    this.facts.classFiles.set(letter, paths);
  }

  /** Macros are expanded where Sendmail's cf uses them: at the end, with what all others are then. */
  #findValues(): void {
    for (const [name, { place }] of this.#defined) {
      if (!isOption(name) || this.m4.body(name) === undefined) continue;
      const from = place ?? { file: BUILT_IN, line: 1 };
      this.facts.options.set(name, { value: this.m4.expand(name, from).trim(), place });
    }
  }

  #findComplaints(): void {
    for (const { text, place } of this.m4.complaints) {
      if (!isBuiltIn(place)) this.find('changed', place, text, note('sendmail.complaint', { text }));
    }
  }
}

/** FEATUREs that Sendmail refuses before access_db. */
const needsAccess: ReadonlySet<string> = new Set(['blocklist_recipients', 'relay_mail_from', 'lookupdotdomain']);

const PREAMBLE = "include(`<cf>/m4/cf.m4')";

/** Reads a file whose text goes nowhere, as OSTYPE and DOMAIN do. */
function aside(path: string): string {
  return `pushdef(\`__D__', divnum)divert(-1)include(\`${path}')divert(__D__)popdef(\`__D__')`;
}

/** The macro that a line of text seems to mean. */
export function meantMacro(text: string): string | undefined {
  const name = /^([A-Z][A-Z_]+)\(/.exec(text)?.[1];
  if (name === undefined) return undefined;
  return (
    nearest(name, ['FEATURE', 'MAILER', 'OSTYPE', 'DOMAIN', 'DAEMON_OPTIONS', ...Object.keys(classMacros)]) ?? name
  );
}
