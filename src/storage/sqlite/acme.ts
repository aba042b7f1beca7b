import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import { isWorking, type Authorization, type Challenge, type Order } from '../../ca/acme/order.ts';
import type { Account, AccountStatus, AcmeKey, AcmeStore } from '../../ca/acme/store.ts';
import { openDatabase } from './database.ts';
import { storageFault } from './fault.ts';

/** What ACME keeps in the database at `path`, over a connection of its own, which `close` closes. Methods throw a Fault. */
export function openAcmeStore(path: string): AcmeStore {
  return new SqliteAcmeStore(openDatabase(path));
}

type Row = Readonly<Record<string, SQLOutputValue>>;

class SqliteAcmeStore implements AcmeStore {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  addKey(key: AcmeKey): void {
    this.#run(
      'INSERT INTO acme_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      key.id,
      key.holder,
      key.profile,
      JSON.stringify(key.names),
      key.life ?? null,
      key.secret,
      key.createdAt,
      key.expires,
      key.account ?? null,
      key.withdrawn ? 1 : 0,
    );
  }

  key(id: string): AcmeKey | undefined {
    return this.#all('SELECT * FROM acme_key WHERE id = ?', id).map(readKey)[0];
  }

  keys(): AcmeKey[] {
    return this.#all('SELECT * FROM acme_key ORDER BY created_at, id').map(readKey);
  }

  withdrawKey(id: string): void {
    this.#transaction(() => {
      this.#run('UPDATE acme_key SET withdrawn = 1 WHERE id = ?', id);
      this.#run("UPDATE acme_account SET status = 'revoked' WHERE key_id = ?", id);
      return true;
    });
  }

  addAccount(account: Account): boolean {
    return this.#transaction(() => {
      const bound = this.#run(
        'UPDATE acme_key SET account = ? WHERE id = ? AND account IS NULL AND withdrawn = 0',
        account.id,
        account.keyId,
      );
      if (bound === 0) return false;
      const added = this.#run(
        'INSERT INTO acme_account VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        account.id,
        account.status,
        account.key,
        account.thumbprint,
        JSON.stringify(account.contacts),
        account.binding,
        account.keyId,
        account.createdAt,
      );
      return added === 1;
    });
  }

  account(id: string): Account | undefined {
    return this.#all('SELECT * FROM acme_account WHERE id = ?', id).map(readAccount)[0];
  }

  accountByThumbprint(thumbprint: string): Account | undefined {
    return this.#all('SELECT * FROM acme_account WHERE thumbprint = ?', thumbprint).map(readAccount)[0];
  }

  saveAccount({ id, status, contacts }: Account): void {
    this.#run('UPDATE acme_account SET status = ?, contacts = ? WHERE id = ?', status, JSON.stringify(contacts), id);
  }

  changeAccountKey(id: string, key: string, thumbprint: string): boolean {
    return (
      this.#run('UPDATE OR IGNORE acme_account SET key = ?, thumbprint = ? WHERE id = ?', key, thumbprint, id) === 1
    );
  }

  addOrder(order: Order): void {
    this.#run('INSERT INTO acme_order VALUES (?, ?, ?, ?, ?, ?, ?, ?)', order.id, order.account, ...columns(order));
  }

  order(id: string): Order | undefined {
    return this.#orders('id = ?', id)[0];
  }

  saveOrder(order: Order): void {
    this.#run(
      'UPDATE acme_order SET status = ?, working = ?, expires = ?, replaces = ?, serial = ?, detail = ? WHERE id = ?',
      ...columns(order),
      order.id,
    );
  }

  orders(account: string, after: string, limit: number): string[] {
    return this.#all(
      'SELECT id FROM acme_order WHERE account = ? AND id > ? ORDER BY id LIMIT ?',
      account,
      after,
      limit,
    ).map((row) => row['id'] as string);
  }

  openOrders(account: string): Order[] {
    return this.#orders("account = ? AND status IN ('pending', 'ready', 'processing') ORDER BY id", account);
  }

  orderOf(serial: string): Order | undefined {
    return this.#orders('serial = ?', serial)[0];
  }

  issuedOrders(account: string, limit: number): Order[] {
    return this.#orders("account = ? AND status = 'valid' ORDER BY id DESC LIMIT ?", account, limit);
  }

  replacing(serial: string): Order[] {
    return this.#orders('replaces = ? ORDER BY id', serial);
  }

  unfinished(): Order[] {
    return this.#orders('working = 1 ORDER BY id');
  }

  forget(before: Ms): number {
    return this.#run('DELETE FROM acme_order WHERE expires < ? AND working = 0', before);
  }

  close(): void {
    this.#db.close();
  }

  #orders(condition: string, ...values: SQLInputValue[]): Order[] {
    return this.#all(`SELECT * FROM acme_order WHERE ${condition}`, ...values).map(readOrder);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#try(() => this.#db.prepare(sql).all(...values));
  }

  /** Gives how many rows changed. */
  #run(sql: string, ...values: SQLInputValue[]): number {
    return this.#try(() => Number(this.#db.prepare(sql).run(...values).changes));
  }

  /** Undone when it throws or says false. */
  #transaction(act: () => boolean): boolean {
    this.#try(() => this.#db.exec('BEGIN IMMEDIATE'));
    let done = false;
    try {
      done = act();
      return done;
    } finally {
      this.#try(() => this.#db.exec(done ? 'COMMIT' : 'ROLLBACK'));
    }
  }

  #try<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw storageFault(error, 'ACME');
    }
  }
}

function columns(order: Order): SQLInputValue[] {
  const { status, expires, replaces, serial } = order;
  const working = isWorking(order) ? 1 : 0;
  return [status, working, expires, replaces?.serial ?? null, serial ?? null, JSON.stringify(order)];
}

function readKey(row: Row): AcmeKey {
  return {
    id: row['id'] as string,
    secret: new Uint8Array(row['secret'] as Uint8Array),
    holder: row['holder'] as string,
    profile: row['profile'] as AcmeKey['profile'],
    names: JSON.parse(row['names'] as string) as string[],
    life: (row['life'] as number | null) ?? undefined,
    createdAt: row['created_at'] as number,
    expires: row['expires'] as number,
    account: (row['account'] as string | null) ?? undefined,
    withdrawn: row['withdrawn'] === 1,
  };
}

function readAccount(row: Row): Account {
  return {
    id: row['id'] as string,
    status: row['status'] as AccountStatus,
    key: row['key'] as string,
    thumbprint: row['thumbprint'] as string,
    contacts: JSON.parse(row['contacts'] as string) as string[],
    binding: row['binding'] as string,
    keyId: row['key_id'] as string,
    createdAt: row['created_at'] as number,
  };
}

/** JSON leaves out what is undefined. */
function readOrder(row: Row): Order {
  const written = JSON.parse(row['detail'] as string) as WrittenOrder;
  const { replaces, error, publicKey, beganAt, serial } = written;
  const authorizations = written.authorizations.map(({ challenges, ...authorization }) => ({
    ...authorization,
    challenges: challenges.map(({ validatedAt, error, ...challenge }): Challenge => ({
      ...challenge,
      validatedAt,
      error,
    })),
  }));
  return { ...written, replaces, error, publicKey, beganAt, serial, authorizations };
}

type Optional<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]?: T[P] };
type WrittenChallenge = Optional<Challenge, 'validatedAt' | 'error'>;
type WrittenAuthorization = Omit<Authorization, 'challenges'> & { readonly challenges: readonly WrittenChallenge[] };
type WrittenOrder = Omit<
  Optional<Order, 'replaces' | 'error' | 'publicKey' | 'beganAt' | 'serial'>,
  'authorizations'
> & { readonly authorizations: readonly WrittenAuthorization[] };
