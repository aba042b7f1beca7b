/** Compiles one large file of keys and values (tables.ts), hands it over and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { compileHere, reviewHere, type TableWork } from '../tables.ts';

const work = workerData as TableWork;
parentPort?.postMessage('review' in work ? reviewHere(work.review) : compileHere(work.order, work.known));
