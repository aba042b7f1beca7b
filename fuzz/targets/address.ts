import assert from 'node:assert/strict';
import { latin1, fromUtf8 } from '../../src/base/bytes.ts';
import { formatAddress, parseAddress, parsePath } from '../../src/protocol/smtp/address.ts';

/** What stands behind `FROM:` or `TO:`. */
export function target(bytes: Uint8Array): void {
  const text = fromUtf8(bytes) ?? latin1(bytes);
  for (const utf8 of [false, true]) {
    const path = parsePath(text, utf8);
    if (path === undefined) continue;
    assert.equal(path.typed + path.rest, text);
    if (path.address === undefined) {
      assert.equal(path.typed, '<>');
      continue;
    }
    const written = formatAddress(path.address);
    // Nothing that could end a command line or a header field.
    // oxlint-disable-next-line no-control-regex -- just these
    assert.doesNotMatch(written, /[\u0000-\u001f\u007f-\u009f]/);
    assert.deepEqual(parseAddress(written), path.address);
    assert.deepEqual(parsePath(`<${written}>${path.rest}`, utf8), {
      address: path.address,
      typed: `<${written}>`,
      rest: path.rest,
    });
  }
}
