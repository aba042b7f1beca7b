import type { AccessTag } from './tag.ts';
import { reviewTlsHost } from './tls-value.ts';

export const tlsClt: AccessTag = {
  name: 'TLS_Clt',
  about: 'what TLS with clients must be like, by name, address or, with nothing behind the colon, for all',
  untagged: false,
  review: (key, value) => reviewTlsHost('TLS_Clt', key, value),
};
