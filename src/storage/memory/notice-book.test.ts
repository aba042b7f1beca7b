import { noticeBookSuite } from '../../ca/notice-book.suite.ts';
import { memoryNoticeBook } from './notice-book.ts';

noticeBookSuite('memory', memoryNoticeBook);
