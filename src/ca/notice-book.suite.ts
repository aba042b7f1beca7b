/** The contract of `NoticeBook`, run by every engine. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NoticeBook } from './notice-book.ts';

export function noticeBookSuite(name: string, open: () => NoticeBook): void {
  describe(`${name}: the notice book`, () => {
    test('knows what was begun, until it is cancelled', () => {
      using book = disposable(open());
      book.begin(
        [
          { names: ['a', 'b'], entry: 1 },
          { names: ['c'], entry: 2 },
        ],
        1_000,
      );
      assert.deepEqual(book.known(['a', 'b', 'c', 'd']), new Set(['a', 'b', 'c']));
      book.end([1]);
      book.cancel([1, 2]);
      assert.deepEqual(book.known(['a', 'b', 'c']), new Set(['a', 'b']), 'what is ended is not cancelled');
      assert.deepEqual(book.known([]), new Set());
    });

    test('lists what is open by its message, until it is ended', () => {
      using book = disposable(open());
      book.begin(
        [
          { names: ['a', 'b'], entry: 4_503_599_627_370_497 },
          { names: ['c'], entry: 2 },
        ],
        1_000,
      );
      const list = book.open().toSorted((one, other) => one.entry - other.entry);
      assert.deepEqual(
        list.map(({ entry, names }) => [entry, names.toSorted()]),
        [
          [2, ['c']],
          [4_503_599_627_370_497, ['a', 'b']],
        ],
      );
      book.end([2, 4_503_599_627_370_497]);
      assert.deepEqual(book.open(), []);
    });

    test('a name belongs to the message that was first', () => {
      using book = disposable(open());
      book.begin([{ names: ['a'], entry: 1 }], 1_000);
      book.begin([{ names: ['a', 'b'], entry: 2 }], 2_000);
      book.cancel([2]);
      assert.deepEqual(book.known(['a', 'b']), new Set(['a']));
    });

    test('forgets what is old and ended', () => {
      using book = disposable(open());
      book.begin(
        [
          { names: ['old'], entry: 1 },
          { names: ['open'], entry: 2 },
        ],
        1_000,
      );
      book.begin([{ names: ['new'], entry: 3 }], 2_000);
      book.end([1, 3]);
      book.forget(2_000);
      assert.deepEqual(book.known(['old', 'open', 'new']), new Set(['open', 'new']));
    });

    test('takes names as they are', () => {
      using book = disposable(open());
      const odd = ["holder '; DROP TABLE notice; --", '証明書 "x"', 'a\\b', ''];
      book.begin([{ names: odd, entry: 1 }], 1_000);
      assert.deepEqual(book.known([...odd, 'other']), new Set(odd));
    });
  });
}

function disposable(book: NoticeBook): NoticeBook & Disposable {
  return Object.assign(book, { [Symbol.dispose]: () => book.close() });
}
