import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { administration, type Administration } from '../../test/fakes/administration.ts';
import { OperationError } from './errors.ts';
import { runOperation } from './operation.ts';
import type { NewPassword, PasswordView, Requirement } from './password.ts';

const DAY = 86_400_000;

async function refused(act: Promise<unknown>, kind: string, words: RegExp): Promise<void> {
  await assert.rejects(act, (error: unknown) => {
    assert.ok(error instanceof OperationError);
    assert.equal(error.kind, kind);
    assert.match(error.message, words);
    return true;
  });
}

async function add(at: Administration, input: object): Promise<NewPassword> {
  return (await runOperation(at.context, 'password.add', input)) as NewPassword;
}

async function list(at: Administration, input: object = {}): Promise<PasswordView[]> {
  return (await runOperation(at.context, 'password.list', input)) as PasswordView[];
}

describe('passwords of holders', () => {
  test('one is made, told once, kept as hashes, and stands in the log', async () => {
    const at = await administration();
    const made = await add(at, { holder: ' Alice@Example.NET ', label: 'Outlook', life: 90 * DAY });
    assert.match(made.password ?? '', /^(?:[a-z2-9]{4}-){5}[a-z2-9]{4}$/);
    assert.deepEqual(
      [made.holder, made.label, made.state, made.expires, made.usedAt, made.need],
      ['alice@example.net', 'Outlook', 'active', at.clock.now() + 90 * DAY, null, 'any'],
    );
    const [kept] = at.context.passwords.usable('alice@example.net', at.clock.now());
    assert.match(kept?.argon2id ?? '', /^\$argon2id\$v=19\$m=12288,t=3,p=1\$/);
    assert.match(kept?.scram ?? '', /^SCRAM-SHA-256\$65536:/);
    assert.ok(
      !JSON.stringify([kept, await list(at), at.context.ledger.auditTail(9), at.events]).includes(made.password ?? '-'),
    );
    const entry = at.context.ledger.auditHead();
    assert.deepEqual([entry?.action, entry?.holder], ['password', 'alice@example.net']);
    await at.clock.advance(90 * DAY);
    assert.deepEqual(await list(at), []);
    assert.equal((await list(at, { all: true }))[0]?.state, 'expired');
  });

  test('a chosen one must be long, of some variety, and not the name', async () => {
    const at = await administration();
    const choose = (password: string, over: object = {}): Promise<NewPassword> =>
      add(at, { holder: 'korogi@relay.test', password, ...over });
    await refused(choose('secret'), 'usage', /has 6 characters; at least 12/);
    await refused(choose('aaaaaaaaaaaaaaaa'), 'usage', /too few different/);
    await refused(choose('my-Korogi-password'), 'usage', /name of its holder/);
    await refused(choose('tab\tin a password'), 'usage', /no keyboard/);
    await refused(choose('x1'.repeat(200)), 'usage', /longer than 255/);
    const made = await choose('correct horse battery', { plainOnly: true });
    assert.deepEqual([made.password, made.kind, made.scram], [null, 'chosen', false]);
    assert.equal((await choose('secret', { weak: true })).kind, 'chosen');
  });

  test('one is taken back by id or label, several only when that is said', async () => {
    const at = await administration();
    const one = await add(at, { holder: 'alice', label: 'phone' });
    await add(at, { holder: 'alice', label: 'laptop' });
    await add(at, { holder: 'alice', label: 'tablet' });
    const remove = (input: object): Promise<unknown> => runOperation(at.context, 'password.remove', input);
    await refused(remove({ name: 'alice' }), 'conflict', /has 3 passwords/);
    await refused(remove({ name: 'alice', label: 'car' }), 'not-found', /no such password/);
    await remove({ name: one.id });
    await refused(remove({ name: one.id }), 'not-found', /no such password/);
    await remove({ name: 'Alice', label: 'LAPTOP' });
    assert.deepEqual(
      (await list(at)).map(({ label }) => label),
      ['tablet'],
    );
    await remove({ name: 'alice', all: true });
    assert.deepEqual(await list(at), []);
    assert.equal((await list(at, { holder: 'alice', all: true })).length, 3);
    await refused(list(at, { holder: 'nobody' }), 'not-found', /has no password/);
  });

  test('what a holder needs; where it is a certificate there are no passwords', async () => {
    const at = await administration();
    const needs = (need: string): Promise<unknown> =>
      runOperation(at.context, 'password.require', { holder: 'Alice', need });
    const expected: Requirement = { holder: 'alice', need: 'certificate', before: 'any' };
    assert.deepEqual(await needs('certificate'), expected);
    await refused(add(at, { holder: 'alice' }), 'conflict', /by certificate only/);
    await refused(needs('nothing'), 'usage', /need/);
    await needs('both');
    assert.equal((await add(at, { holder: 'alice' })).need, 'both');
  });

  test('revoking a holder takes the passwords too, and they may be all there is', async () => {
    const at = await administration();
    const { id } = await add(at, { holder: 'scanner-3' });
    const result = await runOperation(at.context, 'certificate.revoke', { name: 'scanner-3' });
    assert.deepEqual(result, { revoked: [], before: [], acmeKeys: [], passwords: [id] });
    assert.deepEqual(await list(at), []);
    await refused(runOperation(at.context, 'certificate.revoke', { name: 'scanner-3' }), 'not-found', /scanner-3/);
  });

  test('names and labels that are none', async () => {
    const at = await administration();
    for (const holder of ['', 'a b', '@', 'a@', '@b', 'a@b@c', 'x'.repeat(300)])
      await refused(add(at, { holder }), 'usage', /no name of a holder/);
    await refused(add(at, { holder: 'alice', label: '\n' }), 'usage', /label/);
    await refused(add(at, { holder: 'alice', label: 'x'.repeat(101) }), 'usage', /label/);
  });
});
