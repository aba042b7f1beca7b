import type { EventPeer } from '../../base/event.ts';
import { principalName, type Principal } from '../identity/principal.ts';
import { explainTrail } from '../access/explain.ts';
import type { PeerName } from '../access/facts.ts';
import { clientText } from '../message/trace.ts';
import type { Trail } from '../access/verdict.ts';

/** A peer in the words of events. */
export function eventPeer(session: string, address: string, name: PeerName, principal: Principal): EventPeer {
  const shown = principal.kind !== 'anonymous';
  return {
    session,
    address,
    client: clientText(address, name.name, name.state === 'forged'),
    verify: principal.verify,
    holder: principalName(principal),
    serial: shown && principal.certificate.serial !== '' ? principal.certificate.serial : undefined,
  };
}

/** The step that decided, on one line: the last that a rule answered. Undefined when no rule had an opinion. */
export function ruleOf(trail: Trail): string | undefined {
  const step = trail.findLast((one) => one.source !== undefined);
  return step === undefined ? undefined : explainTrail([step])[0];
}
