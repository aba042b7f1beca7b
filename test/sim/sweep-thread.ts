import { parentPort } from 'node:worker_threads';
import { makePeople } from './people.ts';
import { happenings, sweep, type Swept } from './sweep.ts';

const people = await makePeople();
const swept: Swept[] = [];
for (const happening of happenings) swept.push(await sweep(happening, people));
parentPort?.postMessage(swept);
