import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { partOf } from '../../relay/access/certificate-part.ts';
import { readRegexMap } from './regex-map.ts';

const DN = '/C=JP/O=Creative.Unit/CN=Mail.example.net/emailAddress=a@example.net';
const key = (map: string): string => partOf(DN, readRegexMap(map) ?? assert.fail(map));

// What the real Sendmail looked up, for the first three.
describe('the part of a name that a regex map takes', () => {
  it('is a group, or several with something between', () => {
    assert.equal(key('-s1 CN=([^/]*)/email'), 'Mail.example.net');
    assert.equal(key('-s1 (O=[^/]*)/CN'), 'O=Creative.Unit');
    assert.equal(key('-s1 cn=(.*)$'), 'Mail.example.net/emailAddress=a@example.net');
    assert.equal(key('-d: -s1,2 O=([^/]*)/CN=([^/]*)'), 'Creative.Unit:Mail.example.net');
    assert.equal(key('-a@ -s2,1 O=([[:alnum:].]*)/(CN)='), 'CNCreative.Unit@');
  });

  it('is the whole name without groups, and where the pattern does not match', () => {
    assert.equal(key('CN=(.*)'), DN);
    assert.equal(key('-a! CN='), `${DN}!`);
    assert.equal(key('-s1 OU=(.*)'), DN);
    assert.equal(key('-f -s1 cn=(.*)$'), DN);
  });

  it('is none where Sendmail would not start, or means what is not here', () => {
    for (const map of ['', '-s2 CN=(.*)', '-s1 CN=.*', '-s0 (a)', '-n CN=', '-b CN=\\(.*\\)', '-s1 (CN', '-s (a)'])
      assert.equal(readRegexMap(map), undefined, map);
  });
});
