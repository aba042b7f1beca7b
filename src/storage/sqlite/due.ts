import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Ms } from '../../base/clock.ts';
import { HELD, LANES, type Cursor, type Due } from '../../relay/spool/spool.ts';
import { DUE_COLUMNS, dueOf, type DueRow } from './row.ts';
import { DUE_BUCKET } from './schema.ts';

/** One lane to be read, and what was found in it. */
interface LaneRead {
  readonly lane: number;
  readonly after: Cursor;
  readonly found: Due[];
}

/** From this many lanes on it is cheaper to ask which lanes a bucket has than to look for each. */
const MANY = 16;

/**
 * Reads what is due by the index (bucket of due, lane, due, id), a bucket being four minutes (2^DUE_BUCKET ms).
 * With (lane, due) alone a new row would fall on a page of its own lane, one of hundreds in a long queue, and each
 * accepted message would write one more page; by bucket, the rows of now lie together and those that wait lie apart.
 */
export class DueReader {
  readonly #bucket: StatementSync;
  readonly #laneOfBucket: StatementSync;
  readonly #earliest: StatementSync;
  readonly #same: StatementSync;
  readonly #later: StatementSync;
  readonly #sameSkip: StatementSync;
  readonly #laterSkip: StatementSync;

  constructor(db: DatabaseSync) {
    const read = (sql: string): StatementSync => db.prepare(sql, { returnArrays: true });
    const bucket = `due >> ${DUE_BUCKET}`;
    this.#bucket = read(
      `SELECT ${bucket} FROM delivery WHERE (${bucket}) >= ? AND (${bucket}) <= ? ORDER BY ${bucket} LIMIT 1`,
    );
    this.#laneOfBucket = read(`SELECT lane FROM delivery WHERE (${bucket}) = ? AND lane > ? ORDER BY lane LIMIT 1`);
    this.#earliest = read(`SELECT due FROM delivery WHERE (${bucket}) = ? AND lane = ? ORDER BY due LIMIT 1`);
    // Two statements and not `(due, id) > (?, ?)`: SQLite would walk all rows of the cursor's `due` each time.
    const rows = `SELECT ${DUE_COLUMNS} FROM delivery d CROSS JOIN message m ON m.id = d.entry WHERE (d.${bucket}) = ?1 AND d.lane = ?2`;
    const same = 'AND d.due = ?3 AND d.id > ?4';
    const later = 'AND d.due > ?3 AND d.due <= ?4';
    const skip = 'AND d.dest NOT IN (SELECT value FROM json_each(?6))';
    const order = 'ORDER BY d.due, d.id LIMIT ?5';
    this.#same = read(`${rows} ${same} ${order}`);
    this.#later = read(`${rows} ${later} ${order}`);
    this.#sameSkip = read(`${rows} ${same} ${skip} ${order}`);
    this.#laterSkip = read(`${rows} ${later} ${skip} ${order}`);
  }

  /** See SpoolStore.due. */
  due(
    lanes: readonly { readonly lane: number; readonly after: Cursor }[],
    now: Ms,
    limit: number,
    skip: readonly string[],
  ): Due[] {
    const reads = lanes.map(({ lane, after }): LaneRead => ({ lane, after, found: [] }));
    const dests = skip.length === 0 ? undefined : JSON.stringify(skip);
    const from = reads.reduce((first, { after }) => Math.min(first, after[0]), now);
    for (const [bucket, some] of this.#walk(reads, bucketOf(from), bucketOf(now))) {
      for (const read of some) this.#rows(bucket, read, now, limit, dests);
    }
    return reads.flatMap(({ found }) => found);
  }

  /** See SpoolStore.nextDue. */
  nextDue(lanes: readonly number[]): Ms | undefined {
    const reads = lanes.map((lane): LaneRead => ({ lane, after: [0, 0], found: [] }));
    for (const [bucket, some] of this.#walk(reads, 0, bucketOf(HELD) - 1)) {
      const dues = some.flatMap(({ lane }) => value(this.#earliest.get(bucket, lane)) ?? []);
      if (dues.length > 0) return dues.reduce((a, b) => Math.min(a, b)); // later buckets are later in time
    }
    return undefined;
  }

  /** The buckets that have rows, in order, each with those of the lanes that may have rows in it. */
  *#walk(
    reads: readonly LaneRead[],
    from: number,
    to: number,
  ): Generator<readonly [bucket: number, reads: readonly LaneRead[]]> {
    let byLane: (LaneRead | undefined)[] | undefined;
    for (
      let bucket = value(this.#bucket.get(from, to));
      bucket !== undefined;
      bucket = value(this.#bucket.get(bucket + 1, to))
    ) {
      if (reads.length < MANY) {
        yield [bucket, reads];
        continue;
      }
      byLane ??= index(reads);
      const some: LaneRead[] = [];
      for (
        let lane = value(this.#laneOfBucket.get(bucket, -1));
        lane !== undefined;
        lane = value(this.#laneOfBucket.get(bucket, lane))
      ) {
        const read = byLane[lane];
        if (read !== undefined) some.push(read);
      }
      yield [bucket, some];
    }
  }

  #rows(bucket: number, { lane, after, found }: LaneRead, now: Ms, limit: number, dests: string | undefined): void {
    const [due, id] = after;
    const first = bucketOf(due);
    if (first > bucket || found.length >= limit) return;
    const take = (rows: readonly unknown[]): void => {
      for (const row of rows) found.push(dueOf(row as DueRow));
    };
    if (first === bucket && due <= now) {
      const left = limit - found.length;
      take(
        dests === undefined
          ? this.#same.all(bucket, lane, due, id, left)
          : this.#sameSkip.all(bucket, lane, due, id, left, dests),
      );
    }
    const left = limit - found.length;
    if (left > 0)
      take(
        dests === undefined
          ? this.#later.all(bucket, lane, due, now, left)
          : this.#laterSkip.all(bucket, lane, due, now, left, dests),
      );
  }
}

function bucketOf(due: Ms): number {
  return Math.floor(due / 2 ** DUE_BUCKET);
}

function index(reads: readonly LaneRead[]): (LaneRead | undefined)[] {
  const byLane: (LaneRead | undefined)[] = Array.from({ length: LANES }, () => undefined);
  for (const read of reads) byLane[read.lane] = read;
  return byLane;
}

/** The one column of a row of a statement that returns arrays. */
function value(row: unknown): number | undefined {
  return (row as readonly [number] | undefined)?.[0];
}
