import type { AccessTag } from './tag.ts';
import { reviewTlsValue } from './tls-value.ts';

export const tlsRcpt: AccessTag = {
  name: 'TLS_Rcpt',
  about: 'what TLS must be like for a recipient to be delivered, by user@domain, user@, domain or for all',
  untagged: false,
  review: (_, value) => reviewTlsValue('TLS_Rcpt', value),
};
