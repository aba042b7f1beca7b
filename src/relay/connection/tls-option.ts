/**
 * OpenSSL's options of a TLS connection by the names that Sendmail's configuration has for them. Bits are those of
 * OpenSSL 3; 0: a workaround that OpenSSL no longer has, so that naming it changes nothing.
 */
const bits: Readonly<Record<string, number>> = {
  SSL_OP_ALL: 0x00_00_08_50,
  SSL_OP_ALLOW_NO_DHE_KEX: 1 << 10,
  SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION: 1 << 18,
  SSL_OP_CIPHER_SERVER_PREFERENCE: 1 << 22,
  SSL_OP_CISCO_ANYCONNECT: 1 << 15,
  SSL_OP_COOKIE_EXCHANGE: 1 << 13,
  SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS: 1 << 11,
  SSL_OP_EPHEMERAL_RSA: 0,
  SSL_OP_IGNORE_UNEXPECTED_EOF: 1 << 7,
  SSL_OP_LEGACY_SERVER_CONNECT: 1 << 2,
  SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER: 0,
  SSL_OP_MICROSOFT_SESS_ID_BUG: 0,
  SSL_OP_MSIE_SSLV2_RSA_PADDING: 0,
  SSL_OP_NETSCAPE_CA_DN_BUG: 0,
  SSL_OP_NETSCAPE_CHALLENGE_BUG: 0,
  SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG: 0,
  SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG: 0,
  SSL_OP_NO_ANTI_REPLAY: 1 << 24,
  SSL_OP_NO_COMPRESSION: 1 << 17,
  SSL_OP_NO_ENCRYPT_THEN_MAC: 1 << 19,
  SSL_OP_NO_QUERY_MTU: 1 << 12,
  SSL_OP_NO_RENEGOTIATION: 1 << 30,
  SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION: 1 << 16,
  SSL_OP_NO_SSLv2: 0,
  SSL_OP_NO_SSLv3: 1 << 25,
  SSL_OP_NO_TICKET: 1 << 14,
  SSL_OP_NO_TLSv1: 1 << 26,
  SSL_OP_NO_TLSv1_1: 1 << 28,
  SSL_OP_NO_TLSv1_2: 1 << 27,
  SSL_OP_NO_TLSv1_3: 1 << 29,
  SSL_OP_PKCS1_CHECK_1: 0,
  SSL_OP_PKCS1_CHECK_2: 0,
  SSL_OP_PRIORITIZE_CHACHA: 1 << 21,
  SSL_OP_SAFARI_ECDHE_ECDSA_BUG: 1 << 6,
  SSL_OP_SINGLE_DH_USE: 0,
  SSL_OP_SINGLE_ECDH_USE: 0,
  SSL_OP_SSLEAY_080_CLIENT_DH_BUG: 0,
  SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG: 0,
  SSL_OP_TLS_BLOCK_PADDING_BUG: 0,
  SSL_OP_TLS_D5_BUG: 0,
  SSL_OP_TLS_ROLLBACK_BUG: 1 << 23,
  SSL_OP_TLSEXT_PADDING: 1 << 4,
};

/**
 * Whether a text is an option that is known here: `SSL_OP_NO_TICKET` or `+SSL_OP_NO_TICKET` sets it, `-SSL_OP_NO_TICKET`
 * takes it away.
 */
export function isTlsOption(text: string): boolean {
  return Object.hasOwn(bits, bareName(text));
}

/** `initial` with these options, one after the other. */
export function withTlsOptions(initial: number, options: readonly string[]): number {
  let result = initial;
  for (const option of options) {
    const bit = bits[bareName(option)] ?? 0;
    result = option.startsWith('-') ? result & ~bit : result | bit;
  }
  return result;
}

function bareName(text: string): string {
  return text.replace(/^[+-]/, '');
}
