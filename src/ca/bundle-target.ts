/**
 * What holders' programs import, program by program. A file that a program cannot read is reported as "wrong password",
 * whatever is the matter; so each target has its own row, and each row says on what it rests. Which of the programs
 * were run with it is said in docs/guide/clients.md.
 */

/** How a PKCS#12 file is made. */
export interface Pkcs12Recipe {
  readonly form: 'pkcs12';
  /**
   * `aes`: PBES2 with AES-256-CBC and PBKDF2 with HMAC-SHA-256, and a MAC of HMAC-SHA-256: what OpenSSL 3 writes.
   * `3des`: pbeWithSHAAnd3-KeyTripleDES-CBC and HMAC-SHA-1: what all have written before. The passphrases made here have
   * 118 bits, which neither makes guessable.
   */
  readonly encryption: 'aes' | '3des';
  /** Octets of the MAC's salt. */
  readonly macSalt: 8 | 16;
  /** For Windows: the store that is to hold the key. */
  readonly keyProvider: string | undefined;
}

/** Key, certificate and issuing CA in one PEM file. */
export interface PemRecipe {
  readonly form: 'pem';
}

export type Recipe = Pkcs12Recipe | PemRecipe;

/** A MAC salt of 16 octets: readers in FIPS mode refuse less (SP 800-132 §5.1). */
const modern: Pkcs12Recipe = { form: 'pkcs12', encryption: 'aes', macSalt: 16, keyProvider: undefined };
/** A salt of 8 octets is what OpenSSL 1 wrote for twenty years, and so what every old reader has met. */
const legacy: Pkcs12Recipe = { form: 'pkcs12', encryption: '3des', macSalt: 8, keyProvider: undefined };
/** Without it Windows puts RSA keys in a store of the 1990s that cannot sign with SHA-256 or PSS, and TLS fails. */
const KEY_STORE = 'Microsoft Software Key Storage Provider';
const pem: PemRecipe = { form: 'pem' };

export type Target =
  | 'windows'
  | 'windows-legacy'
  | 'outlook'
  | 'apple'
  | 'apple-modern'
  | 'android'
  | 'thunderbird'
  | 'java'
  | 'openssl'
  | 'msmtp'
  | 'postfix';

export const targets: Readonly<Record<Target, Recipe>> = {
  // Imports AES-256 with SHA-256 since Windows 10 1709 and Server 2019, and writes it itself (Export-PfxCertificate).
  windows: { ...modern, keyProvider: KEY_STORE },
  // Server 2016 and older call AES-256 a wrong password (easy-rsa 957, xca 389, openssl 17777).
  'windows-legacy': { ...legacy, keyProvider: KEY_STORE },
  // Classic Outlook takes its certificate from the store of Windows.
  outlook: { ...modern, keyProvider: KEY_STORE },
  // Keychain and iOS refused MACs of SHA-256 for years, and still do by some ways (xca 474, pyca 7293, ruby/openssl 654,
  // codemagic cli-tools 428); nothing of Apple's refuses 3DES.
  apple: legacy,
  // For who may have no 3DES: macOS 26 takes AES (tauri 15844). A MAC salt of 16 octets made macOS fail (certbob.stable.confirm.ch).
  'apple-modern': { ...modern, macSalt: 8 },
  // Old releases cannot compute the MAC of SHA-256 (xca 360); all read 3DES.
  android: legacy,
  // NSS reads both; a leaf without localKeyId is not paired with its key.
  thunderbird: modern,
  // Java reads AES since 8u301, 11.0.12 and 16, and writes it since 16 (JDK-8153005). Passphrases are ASCII: keytool refuses others.
  java: modern,
  // What `openssl pkcs12 -export` of OpenSSL 3 writes; 1.1 reads it, too.
  openssl: modern,
  // GnuTLS takes one file for both settings.
  msmtp: pem,
  // smtp_tls_chain_files wants the key first, then its certificate, then the CA that issued it.
  postfix: pem,
};

/** What is made when no target is named: it is read by all that are not old. */
export const USUAL_RECIPE: Pkcs12Recipe = modern;

// PBMAC1 (RFC 9579) is in no row: all readers above take the older MAC, and few read PBMAC1 (OpenSSL since 3.4).
