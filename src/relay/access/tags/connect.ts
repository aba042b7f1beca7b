import { reviewHost } from './host.ts';
import type { AccessTag } from './tag.ts';

export const connect: AccessTag = {
  name: 'Connect',
  about: 'clients by name, parent domain, address or leading octets of an address: who may connect, and who may relay',
  untagged: true,
  review: reviewHost,
};
