import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { describe, it } from 'node:test';
import { isTlsOption, withTlsOptions } from './tls-option.ts';

describe('options of TLS connections', () => {
  it('have the bits that OpenSSL gives them', () => {
    const known = Object.entries(constants).filter(([name]) => name.startsWith('SSL_OP_') && isTlsOption(name));
    assert.ok(known.length > 15, String(known.length));
    for (const [name, bits] of known)
      assert.equal(withTlsOptions(0, [name]), name === 'SSL_OP_ALL' ? Number(bits) & 0x7f_ff_ff_ff : bits, name);
  });

  it('are set and taken away one after the other', () => {
    const { SSL_OP_NO_TICKET: ticket, SSL_OP_NO_TLSv1_3: thirteen } = constants;
    assert.equal(withTlsOptions(0, ['+SSL_OP_NO_TICKET', 'SSL_OP_NO_TLSv1_3']), ticket | thirteen);
    assert.equal(withTlsOptions(ticket | thirteen, ['-SSL_OP_NO_TICKET']), thirteen);
    assert.equal(withTlsOptions(1, ['SSL_OP_SINGLE_DH_USE', 'SSL_OP_NO_TICKET', '-SSL_OP_NO_TICKET']), 1);
  });

  it('with other names are none', () => {
    for (const name of ['SSL_OP_NO_SUCH', 'NO_TICKET', '++SSL_OP_NO_TICKET', 'constructor', ''])
      assert.equal(isTlsOption(name), false, name);
  });
});
