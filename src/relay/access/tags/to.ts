import type { AccessTag } from './tag.ts';

export const to: AccessTag = {
  name: 'To',
  about:
    'recipients by domain with its subdomains: for whom mail is relayed (RELAY); with the blocklist also user@domain and user@: for whom none is taken',
  untagged: true,
  review: () => undefined,
};
