import assert from 'node:assert/strict';
import { utf8 } from '../../src/base/bytes.ts';
import { prepare } from '../../src/protocol/sasl/prepare.ts';
import { readPlain } from '../../src/protocol/sasl/plain.ts';
import { readClientFinal, readClientFirst } from '../../src/protocol/sasl/scram.ts';

/** A response of a stranger: read within its bounds and as it stands, or refused. */
export function target(bytes: Uint8Array): void {
  const plain = readPlain(bytes);
  if (plain !== undefined) {
    const { authorization, name, password } = plain;
    assert.ok(name !== '' && password !== '');
    assert.deepEqual(Buffer.from(`${authorization}\0${name}\0${password}`), Buffer.from(bytes));
    const prepared = prepare(password);
    if (prepared !== undefined) assert.equal(prepare(prepared), prepared, 'preparing twice changes nothing');
  }
  const first = readClientFirst(bytes);
  if (first !== undefined) {
    assert.deepEqual(Buffer.from(utf8(first.headerText + first.bare)), Buffer.from(bytes));
    assert.ok(first.name !== '' && first.nonce.length >= 8 && !first.nonce.includes(','));
  }
  const final = readClientFinal(bytes);
  if (final !== undefined) {
    const { withoutProof, nonce, proof } = final;
    assert.ok(withoutProof.includes(`,r=${nonce}`));
    assert.equal(
      `${withoutProof},p=${Buffer.from(proof).toString('base64')}`.length,
      Buffer.from(bytes).toString().length,
    );
  }
}
