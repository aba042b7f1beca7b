import type { RevocationReason } from './ledger.ts';

/** CRLReason (RFC 5280 §5.3.1). `certificateHold` is for what is suspended: the one reason that can be taken back. */
export const reasonCodes: Readonly<Record<RevocationReason | 'certificateHold', number>> = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
};
