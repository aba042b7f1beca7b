/** The level of smtp_tls_security_level in our words; undefined: there is none like it here. */
export function levelOf(written: string): { readonly tls: string; readonly same: boolean } | undefined {
  switch (written) {
    case '':
    case 'none':
      return { tls: 'none', same: true };
    case 'may':
      return { tls: 'opportunistic', same: true };
    case 'encrypt':
      return { tls: 'required', same: true };
    case 'verify':
    case 'secure':
      return { tls: 'verify', same: true };
    case 'dane':
      return { tls: 'opportunistic', same: false };
    case 'dane-only':
    case 'fingerprint':
      return { tls: 'required', same: false };
    default:
      return undefined;
  }
}
