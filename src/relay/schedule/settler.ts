import type { Ms } from '../../base/clock.ts';
import type { CarryResult } from '../message/shipment.ts';
import type { Due } from '../spool/spool.ts';

/** Takes the end of every attempt. Implemented by `relay/outcome/settle.ts`. */
export interface Settler {
  /**
   * `rows` are those of one shipment, in its order, held under `epoch` of their lane. Resolves when it is durable,
   * with the earliest time at which one of the rows is due again (undefined: none). Never rejects: what the store
   * refuses is offered again until it is taken.
   */
  settle(rows: readonly Due[], epoch: number, result: CarryResult): Promise<Ms | undefined>;
  /** The store refuses settlements now: nothing should be started, since each delivery could become a duplicate. */
  readonly failing: boolean;
}
