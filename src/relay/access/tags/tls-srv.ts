import type { AccessTag } from './tag.ts';
import { reviewTlsHost } from './tls-value.ts';

export const tlsSrv: AccessTag = {
  name: 'TLS_Srv',
  about: 'what TLS with servers that we deliver to must be like, by name, address or for all',
  untagged: false,
  review: (key, value) => reviewTlsHost('TLS_Srv', key, value),
};
