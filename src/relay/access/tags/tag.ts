/** Octets of a key that Sendmail looks up, tag included; keys in the map may be longer. */
export const MAX_KEY = 256;

/** What the map's author should know about a line that will not do what it looks like. */
export interface LineReview {
  /** Which part of the line it is about. */
  readonly about: 'key' | 'value';
  /** Names the trap, for those who say it in other words; absent: the text is all there is. */
  readonly trap?: string;
  /** What the trap is about, by name. */
  readonly values?: Readonly<Record<string, string | number>>;
  readonly text: string;
  readonly hint: string;
}

/** A tag of the access map: the word before the colon, and how its lines are read. */
export interface AccessTag {
  /** As documentation spells it; case does not matter in the map. */
  readonly name: string;
  /** What lines with this tag are for, in one sentence. */
  readonly about: string;
  /** Whether an entry without a tag answers where none with it does. */
  readonly untagged: boolean;
  /** Looks for a trap in a line; `key` is without the tag. */
  readonly review: (key: string, value: string) => LineReview | undefined;
}
