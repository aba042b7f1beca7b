import { eightBitMime } from './8bitmime.ts';
import { auth } from './auth.ts';
import { binaryMime } from './binarymime.ts';
import { chunking } from './chunking.ts';
import { dsn } from './dsn.ts';
import { enhancedStatusCodes } from './enhancedstatuscodes.ts';
import { expn } from './expn.ts';
import type { Extension } from './extension.ts';
import { limits } from './limits.ts';
import { pipelining } from './pipelining.ts';
import { size } from './size.ts';
import { smtpUtf8 } from './smtputf8.ts';
import { startTls } from './starttls.ts';

/** Every extension we speak, in the order in which EHLO tells them. */
export const extensions: readonly Extension[] = [
  enhancedStatusCodes,
  pipelining,
  expn,
  eightBitMime,
  size,
  dsn,
  auth,
  startTls,
  binaryMime,
  chunking,
  smtpUtf8,
  limits,
];
