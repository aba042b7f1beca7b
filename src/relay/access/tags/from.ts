import type { AccessTag } from './tag.ts';

export const from: AccessTag = {
  name: 'From',
  about: 'reverse-paths by user@domain, user@ or domain with its subdomains: from whom mail is taken',
  untagged: true,
  review: () => undefined,
};
