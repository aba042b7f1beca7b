/** Why a parameter is not kept as it stands, as keys of the message catalogue. */
export type PostfixNoteKey =
  | 'postfix.allClients'
  | 'postfix.clientCertificates'
  | 'postfix.fingerprintDigest'
  | 'postfix.fingerprintFile'
  | 'postfix.map'
  | 'postfix.networks'
  | 'postfix.networksStyle'
  | 'postfix.restriction'
  | 'postfix.relayWithoutCheck'
  | 'postfix.sasl'
  | 'postfix.security'
  | 'postfix.service'
  | 'postfix.unused'
  | 'postfix.weakDigest';
