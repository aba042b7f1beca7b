import manifest from '../../package.json' with { type: 'json' };

/** The program's version, as in `--version` and `Received:`. */
export const version: string = manifest.version;
