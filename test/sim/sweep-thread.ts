import { parentPort, workerData } from 'node:worker_threads';
import { makePeople } from './people.ts';
import { sweep, type Happening } from './sweep.ts';

parentPort?.postMessage(await sweep(workerData as Happening, await makePeople()));
