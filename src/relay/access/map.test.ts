import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseAccessMap } from './map.ts';

function problemsOf(text: string): string[] {
  return parseAccessMap(text, 'access').problems.map(
    ({ severity, line, column, text: what }) => `${severity} ${line}:${column} ${what}`,
  );
}

describe('the access map', () => {
  it('reads lines as makemap does', () => {
    const { map, problems } = parseAccessMap(
      [
        '# a comment',
        '',
        'Connect:192.0.2\tRELAY',
        'From:a@b.test    ERROR:5.7.1:550 no  thanks  ',
        'To:c.test\t \t OK\r',
        'd.test RELAY # x',
        '\r',
        'last REJECT',
      ].join('\n'),
      'access',
    );
    assert.deepEqual(map.find('Connect:192.0.2'), { value: 'RELAY', line: 3 });
    assert.deepEqual(map.find('From:a@b.test'), { value: 'ERROR:5.7.1:550 no  thanks', line: 4 });
    assert.deepEqual(map.find('To:c.test'), { value: 'OK', line: 5 });
    assert.deepEqual(map.find('d.test'), { value: 'RELAY # x', line: 6 });
    assert.deepEqual(map.find('last'), { value: 'REJECT', line: 8 });
    assert.equal(map.find('nothing'), undefined);
    assert.equal(map.size, 5);
    assert.deepEqual(
      problems.map(({ severity, line }) => [severity, line]),
      [['warning', 6]],
    );
  });

  it('reports what makemap refuses, and keeps the rest', () => {
    assert.deepEqual(problemsOf('a RELAY\n b RELAY\n   \nkey\nA REJECT\nkey2\t \r\n'), [
      'error 2:1 the line starts with a blank',
      'error 3:1 the line has only blanks',
      'error 4:4 the key "key" has no value',
      'error 5:1 the key "A" is there already, in line 1; the first one counts',
      'error 6:5 the key "key2" has no value',
    ]);
    assert.equal(parseAccessMap('a RELAY\nA REJECT\n', 'access').map.find('a')?.value, 'RELAY');
  });

  it('takes a file that is no text for none', () => {
    const utf16 = Buffer.from('Connect:a.test RELAY\n', 'utf16le');
    assert.deepEqual(
      parseAccessMap(utf16, 'access').problems.map(({ text, column }) => [column, text]),
      [
        [2, 'the line has a NUL octet, so this is no text'],
        [1, 'the line has a NUL octet, so this is no text'],
      ],
    );
  });

  it('tells the lines of a wrapped entry as it should', () => {
    assert.deepEqual(problemsOf('CERTISSUER:/C=JP/O=Example/CN=ca\n   RELAY\n'), [
      'error 1:33 the key "CERTISSUER:/C=JP/O=Example/CN=ca" has no value',
      'error 2:1 the line starts with a blank',
    ]);
  });

  it('warns of lines that will hardly do what they look like', () => {
    const warnings: Readonly<Record<string, RegExp>> = {
      'CERTISSUER:/CN=a/Email=b@c.test RELAY': /no longer have \/Email=/,
      'CERTISSUER:/CN=my ca RELAY': /ends at its first blank/,
      'CERTSUBJECT:/CN=a(b) RELAY': /no encoded name has \(/,
      'CERTSUBJECT:/CN=名 RELAY': /no encoded name has 名/,
      'CERTSUBJECT:/CN=a+b@c RELAY': /plus sign/,
      'CERTISSUER:CN=a RELAY': /no name/,
      'CERTISSUER:/CN=a OK': /no effect with the value OK/,
      'CERTSUBJECT:/CN=a SUBJECT': /no effect with the value SUBJECT/,
      'Connect:10.0.0.0/8 RELAY': /CIDR/,
      'Connect:10.0. RELAY': /end in a dot/,
      'Connect:10.0.0.0 RELAY': /zeros/,
      '10.0.0.0/8 RELAY': /CIDR/,
      'Connect:IPv6:2001:db8::1 RELAY': /uncompressed/,
      'Connect:2001:db8:0:0:0:0:0:1 RELAY': /IPv6: before it/,
      'CERTISUER:/CN=a RELAY': /tag CERTISUER is not known/,
      'To:a.test "RELAY"': /in quotes/,
      'To:a.test RELAY # friends': /comment/,
      'Spam:a.test YES': /no effect/,
    };
    for (const [line, expected] of Object.entries(warnings)) {
      const { problems, map } = parseAccessMap(line, 'access');
      assert.deepEqual(
        problems.map(({ severity }) => severity),
        ['warning'],
        line,
      );
      assert.match((problems[0] as { text: string }).text, expected, line);
      assert.equal(map.size, 1, 'the line counts all the same');
    }
    const long = `CERTSUBJECT:/CN=${'x'.repeat(250)}`;
    assert.match(parseAccessMap(`${long} RELAY`, 'access').problems[0]?.text ?? '', /first 256 octets/);
  });

  it('has nothing to say about good lines', () => {
    const good = [
      'CERTISSUER:/C=JP/CN=a+20b SUBJECT',
      'certsubject:/CN=a+5C+2Bb relay',
      'Connect:127.168.1 RELAY',
      'Connect:[127.0.0.1] OK',
      'friend.test RELAY',
      '192.0.2 REJECT',
      'IPv6:2001:db8 RELAY',
      'From:spam@ ERROR:"550 no"',
      'To:.example.net RELAY',
      'bad@ REJECT',
    ];
    assert.deepEqual(problemsOf(good.join('\n')), []);
  });

  it('stops reporting before it drowns the reader', () => {
    assert.equal(parseAccessMap(' x\n'.repeat(5000), 'access').problems.length, 1000);
  });

  it('folds case in ASCII alone', () => {
    // U+212A KELVIN SIGN has k as its lower case in Unicode.
    const odd = parseAccessMap('\u212aey RELAY\nÉ RELAY', 'access').map;
    assert.ok(odd.find('\u212aEY') && !odd.find('key') && odd.find('É') && !odd.find('é'));
    const { map } = parseAccessMap('CertIssuer:/C=JP/CN=A+5Cxe9 RELAY', 'access');
    assert.ok(map.find('CERTISSUER:/c=jp/cn=a+5cXE9'));
  });

  it('cuts the keys it is asked for at 256 octets, not the ones it holds', () => {
    const whole = `CERTSUBJECT:/${'x'.repeat(243)}`;
    assert.equal(whole.length, 256);
    const short = parseAccessMap(`${whole} RELAY`, 'access').map;
    assert.ok(short.find(whole));
    assert.ok(short.find(`${whole}yyy`), 'what has the same beginning matches');
    const long = parseAccessMap(`${whole}y RELAY`, 'access').map;
    assert.equal(long.find(`${whole}y`), undefined);
    const wide = parseAccessMap(`${'é'.repeat(128)} RELAY`, 'access').map;
    assert.ok(wide.find(`${'é'.repeat(128)}e`), 'octets count, not letters');
  });

  it('finds in a large map what it finds in a small one', () => {
    const entry = fc.tuple(fc.stringMatching(/^[a-z0-9.@:+=/-]{1,12}$/), fc.stringMatching(/^[A-Z0-9:. ]{1,10}$/));
    const filler = Array.from({ length: 20_000 }, (_, i) => `Filler:${i}.example RELAY`).join('\n');
    const large = (text: string): ReturnType<typeof parseAccessMap> => parseAccessMap(`${text}\n${filler}`, 'access');
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 20 }),
        fc.array(fc.stringMatching(/^[a-zA-Z0-9.@:+=/-]{1,12}$/), { maxLength: 5 }),
        (entries, asked) => {
          const text = entries.map(([key, value]) => `${key} ${value}`).join('\n');
          const [small, big] = [parseAccessMap(text, 'access').map, large(text).map];
          for (const key of [...entries.map(([key]) => key), ...asked])
            assert.deepEqual(big.find(key), small.find(key));
        },
      ),
      { numRuns: 10 },
    );
  });

  it('reads any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'a',
            'B',
            ':',
            ' ',
            '\t',
            '\n',
            '\r',
            '#',
            '/',
            '.',
            '+',
            '"',
            '[',
            '0',
            '\u212a',
            '\ufeff',
          ),
          maxLength: 200,
        }),
        (text) => {
          const { map, problems } = parseAccessMap(text, 'access');
          const lines = text.split('\n').length;
          assert.ok(map.size <= lines);
          assert.ok(
            problems.every(({ line, column, hint }) => line >= 1 && line <= lines && column >= 1 && hint !== ''),
          );
        },
      ),
    );
  });
});
