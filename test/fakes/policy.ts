import type { AccessPolicy } from '../../src/relay/access/policy.ts';

/** A policy that names nobody. */
export const barePolicy: AccessPolicy = {
  map: undefined,
  mapMissing: false,
  features: new Set(),
  hostname: 'mail.relay.test',
  localDomains: new Set(),
  relayDomains: new Set(),
  trustedNetworks: [],
  trustedMechanisms: new Set(),
  localUsers: undefined,
  emailAlias: false,
  blocklistRecipients: false,
  delayChecks: false,
};
