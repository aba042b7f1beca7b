import { latin1 } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { generalizedTime } from '../pki/der-write.ts';

/** A time as RFC 3339 has it, in whole seconds, UTC: `2026-11-24T02:21:48Z`. */
export function timestamp(at: Ms): string {
  return latin1(generalizedTime(at).subarray(2)).replace(
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
    '$1-$2-$3T$4:$5:$6Z',
  );
}
