/**
 * Every conclusion Sealpost can draw about a command, a message or a delivery: reply code (RFC 5321 §4.2),
 * enhanced code (RFC 3463, RFC 5248) and text. No other file spells a reply code.
 *
 * `{name}` in a text is filled in by `protocol/smtp/reply.ts`. Texts end without a full stop and tell the peer
 * nothing about policy, paths or names it does not know. Where a client or log analyser knows Sendmail's words,
 * the text is Sendmail's; the second table has what Sendmail says otherwise altogether.
 */
export interface Status {
  readonly key: string;
  readonly code: number;
  /** Absent only where RFC 2034 §4 forbids it: greeting, HELO/EHLO, 3xx. */
  readonly enhanced: string | undefined;
  readonly text: string;
  /** Where the code or the rule comes from. */
  readonly source: string;
}

const table = {
  // Session
  greeting: [220, undefined, '{hostname} ESMTP Sealpost', 'RFC 5321 §4.3.1'],
  hello: [250, undefined, '{hostname} Hello {client}, pleased to meet you', 'RFC 5321 §4.1.1.1'],
  bye: [221, '2.0.0', '{hostname} closing connection', 'RFC 5321 §4.1.1.10'],
  ok: [250, '2.0.0', 'OK', 'RFC 5321 §4.1.1.9'],
  reset: [250, '2.0.0', 'Reset state', 'RFC 5321 §4.1.1.5'],
  help: [214, '2.0.0', 'Commands: {commands}', 'RFC 5321 §4.1.1.8'],
  'cannot-verify': [252, '2.5.2', 'Cannot verify; send some mail and see', 'RFC 5321 §3.5.3'],
  verified: [250, '2.1.5', '{address}', 'RFC 5321 §3.5.1'],
  'verified-elsewhere': [252, '2.1.5', '{address}', 'RFC 5321 §3.5.3'],
  'no-expand': [502, '5.7.0', 'Mailing lists are not shown', 'RFC 5321 §3.5.2'],
  'start-tls': [220, '2.0.0', 'Ready to start TLS', 'RFC 3207 §4'],
  'shutting-down': [421, '4.3.2', '{hostname} is shutting down; try again soon', 'RFC 5321 §3.8'],
  'session-timeout': [421, '4.4.2', '{hostname} closing connection: timed out waiting for {what}', 'RFC 5321 §4.5.3.2'],
  'session-too-long': [421, '4.7.0', '{hostname} closing connection: session lasts too long', 'RFC 5321 §3.8'],
  'too-many-connections': [421, '4.7.0', '{hostname} too many connections from your address', 'RFC 5321 §3.8'],
  'server-busy': [421, '4.3.2', '{hostname} too many connections; try again later', 'RFC 5321 §3.8'],
  'too-many-errors': [421, '4.7.0', '{hostname} too many errors', 'RFC 5321 §3.8'],
  'too-many-commands': [421, '4.7.0', '{hostname} too many commands without mail', 'RFC 5321 §3.8'],
  'input-overrun': [421, '4.7.0', '{hostname} too much sent without waiting for replies', 'RFC 2920 §3.1'],
  'password-withdrawn-now': [421, '4.7.0', '{hostname} your password has been withdrawn', 'RFC 5321 §3.8'],
  'certificate-withdrawn-now': [421, '4.7.0', '{hostname} your certificate has been withdrawn', 'RFC 5321 §3.8'],
  'protocol-noise': [421, '4.5.0', '{hostname} this is no SMTP', 'RFC 5321 §3.8'],

  // Syntax and order
  'unknown-command': [500, '5.5.1', 'Command unrecognized: "{command}"', 'RFC 5321 §4.2.4'],
  'line-too-long': [500, '5.5.2', 'Line longer than {limit} octets', 'RFC 5321 §4.5.3.1'],
  'bare-line-end': [500, '5.5.2', 'Bare CR or LF; a line ends with CR LF', 'RFC 5321 §2.3.8'],
  'not-implemented': [502, '5.5.1', 'Command not implemented: "{command}"', 'RFC 5321 §4.2.4'],
  'etrn-refused': [502, '5.5.1', 'Command not implemented: "ETRN"', 'RFC 1985 §5.2'],
  'verbose-refused': [500, '5.5.1', 'Command unrecognized: "VERB"', 'Sendmail 8.17 VERB'],
  'argument-required': [501, '5.5.2', 'Argument required', 'RFC 5321 §4.1.1.6'],
  'no-parameters': [501, '5.5.2', 'Syntax error (no parameters allowed)', 'RFC 5321 §4.3.2'],
  'hello-without-name': [501, '5.5.2', '{verb} requires a valid domain or address', 'RFC 5321 §4.1.1.1'],
  'syntax-hello': [501, '5.5.2', '{verb} requires a valid domain or address', 'RFC 5321 §4.1.1.1'],
  'syntax-mail': [501, '5.5.2', 'Syntax error: MAIL FROM:<address> [parameters]', 'RFC 5321 §4.1.1.2'],
  'syntax-rcpt': [501, '5.5.2', 'Syntax error: RCPT TO:<address> [parameters]', 'RFC 5321 §4.1.1.3'],
  'syntax-bdat': [501, '5.5.2', 'Syntax error: BDAT size [LAST]', 'RFC 3030 §2'],
  'syntax-auth': [501, '5.5.2', 'Syntax error: AUTH mechanism [initial-response]', 'RFC 4954 §4'],
  'unknown-parameter': [
    555,
    '5.5.4',
    'Parameter not recognized or not allowed here: {parameter}',
    'RFC 5321 §4.1.1.11',
  ],
  'dsn-not-offered': [555, '5.5.4', 'DSN is not offered here: {parameter}', 'RFC 3461 §4'],
  'parameter-without-value': [501, '5.5.4', 'Parameter {parameter} needs a value', 'RFC 5321 §4.1.1.11'],
  'bad-parameter': [501, '5.5.4', 'Bad value of parameter {parameter}', 'RFC 5321 §4.1.1.11'],
  'bad-return': [501, '5.5.4', 'Bad value of parameter {parameter}', 'RFC 3461 §4.3'],
  'bad-size': [501, '5.5.4', 'Bad value of parameter {parameter}', 'RFC 1870 §3'],
  'double-parameter': [501, '5.5.4', 'Parameter given twice: {parameter}', 'RFC 5321 §4.1.1.11'],
  'need-hello': [503, '5.5.1', 'Say HELO or EHLO first', 'RFC 5321 §4.1.4'],
  'introduce-yourself': [503, '5.5.1', 'Say HELO or EHLO first', 'RFC 5321 §4.1.4'],
  'need-mail': [503, '5.5.1', 'Need MAIL command', 'RFC 5321 §4.1.4'],
  'need-mail-before-rcpt': [503, '5.5.1', 'Need MAIL before RCPT', 'RFC 5321 §4.1.4'],
  'need-rcpt': [503, '5.5.1', 'Need RCPT (recipient)', 'RFC 5321 §4.1.4'],
  'rcpt-after-bdat': [503, '5.5.1', 'RCPT not permitted after BDAT', 'RFC 3030 §2'],
  'nested-mail': [503, '5.5.1', 'Sender already specified', 'RFC 5321 §4.1.4'],
  'mixed-data-bdat': [503, '5.5.1', 'DATA and BDAT cannot be mixed in one message', 'RFC 3030 §2'],
  'binary-needs-bdat': [503, '5.5.1', 'BINARYMIME content needs BDAT', 'RFC 3030 §3'],
  'starttls-in-transaction': [503, '5.5.0', 'TLS not permitted during a mail transaction', 'RFC 3207 §4.2'],
  'starttls-again': [503, '5.5.1', 'TLS is on already', 'RFC 3207 §4.2'],
  'starttls-unavailable': [454, '4.3.3', 'TLS not available', 'RFC 3207 §4'],
  'starttls-not-offered': [502, '5.5.1', 'TLS not available', 'RFC 3207 §4'],
  'tls-needed': [530, '5.7.0', 'Must issue a STARTTLS command first', 'RFC 3207 §4'],

  // Authentication (RFC 4954)
  'auth-succeeded': [235, '2.7.0', 'Authenticated as {identity}', 'RFC 4954 §4'],
  'auth-continue': [334, undefined, '{challenge}', 'RFC 4954 §4'],
  'auth-cancelled': [501, '5.7.0', 'Authentication cancelled', 'RFC 4954 §4'],
  'auth-bad-base64': [501, '5.5.2', 'Cannot decode the response (base64)', 'RFC 4954 §4'],
  'auth-too-long': [500, '5.5.6', 'Authentication exchange line is too long', 'RFC 4954 §4.2'],
  'auth-not-offered': [502, '5.5.1', 'Command not implemented: "AUTH"', 'RFC 5321 §4.2.4'],
  'auth-again': [503, '5.5.1', 'Already authenticated', 'RFC 4954 §4'],
  'auth-in-transaction': [503, '5.5.1', 'AUTH not permitted during a mail transaction', 'RFC 4954 §4'],
  'auth-mechanism': [504, '5.5.4', 'Authentication mechanism not offered', 'RFC 4954 §4'],
  'auth-failed': [535, '5.7.8', 'Authentication failed: {reason}', 'RFC 4954 §6'],
  'auth-malformed': [501, '5.5.2', 'Cannot understand this response of the mechanism', 'RFC 4954 §4'],
  'auth-not-enough': [535, '5.7.8', 'Authentication failed: {reason}', 'RFC 4954 §6'],
  'auth-needs-tls': [538, '5.7.11', 'Encryption is required for passwords; use STARTTLS first', 'RFC 4954 §6'],
  'auth-required': [530, '5.7.0', 'Authentication required', 'RFC 4954 §6'],
  'auth-needs-password': [
    530,
    '5.7.0',
    'Authentication required: this certificate needs its password too',
    'RFC 4954 §6',
  ],
  'auth-unavailable': [454, '4.7.0', 'Temporary authentication failure; try again soon', 'RFC 4954 §6'],
  'auth-too-many': [454, '4.7.0', 'Too many failed logins; try again later', 'RFC 4954 §6'],
  'auth-too-many-now': [421, '4.7.0', '{hostname} too many failed logins; try again later', 'RFC 5321 §3.8'],
  'auth-external-needs-certificate': [
    535,
    '5.7.8',
    'EXTERNAL needs a verified client certificate: {reason}',
    'RFC 4422 §A',
  ],

  // Envelope
  'sender-ok': [250, '2.1.0', '{address}... Sender ok', 'RFC 5321 §4.1.1.2'],
  'recipient-ok': [250, '2.1.5', '{address}... Recipient ok', 'RFC 5321 §4.1.1.3'],
  'too-many-recipients': [452, '4.5.3', 'Too many recipients; the limit is {limit}', 'RFC 5321 §4.5.3.1.10'],
  'too-many-messages': [452, '4.7.0', 'Too many messages in this session; the limit is {limit}', 'RFC 9422 §4.1'],
  'message-too-big': [552, '5.3.4', 'Message exceeds the maximum size of {limit} octets', 'RFC 1870 §6'],
  'content-too-big': [552, '5.3.4', 'Message exceeds the maximum size of {limit} octets', 'RFC 1870 §6'],
  'utf8-needed': [553, '5.6.7', 'This address needs SMTPUTF8', 'RFC 6531 §3.5'],
  'bad-sender-address': [501, '5.1.7', 'Bad address: {address}', 'RFC 3463 §3.2'],
  'bad-recipient-address': [501, '5.1.3', 'Bad address: {address}', 'RFC 3463 §3.2'],
  'address-unbalanced': [553, '5.0.0', "{address}... Unbalanced '{sign}'", 'Sendmail 8.17 prescan'],
  'address-too-long': [553, '5.1.0', '{address}... Address too long (255 bytes max)', 'Sendmail 8.17 parseaddr'],
  'address-without-host': [553, '5.1.3', '{address}... Hostname required', 'Sendmail 8.17 parseaddr'],
  'address-list': [
    553,
    '5.1.3',
    '{address}... List:; syntax illegal for recipient addresses',
    'Sendmail 8.17 parseaddr',
  ],
  'address-literal': [553, '5.1.2', '{address}... Invalid address', 'Sendmail 8.17 parseaddr'],
  'address-colon': [553, '5.1.3', '{address}... Colon illegal in host name part', 'Sendmail 8.17 parseaddr'],
  'address-route-end': [553, '5.1.2', '{address}... Invalid route address', 'Sendmail 8.17 parseaddr'],
  'address-without-user': [553, '5.1.3', '{address}... User address required', 'Sendmail 8.17 parseaddr'],
  'address-route': [553, '5.1.3', '{address}... Invalid route address', 'Sendmail 8.17 parseaddr'],
  'address-host': [553, '5.1.2', '{address}... Invalid host name', 'Sendmail 8.17 parseaddr'],
  'bad-sender-domain': [553, '5.1.8', '{address}... Domain of sender address {sender} does not exist', 'RFC 3463 §3.2'],
  'sender-domain-unanswered': [
    451,
    '4.1.8',
    'Domain of sender address {sender} does not resolve',
    'Sendmail 8.17 check_mail',
  ],
  'unqualified-recipient': [550, '5.1.3', '{address}... Domain name required for recipient address', 'RFC 3463 §3.2'],
  'unqualified-sender': [
    553,
    '5.5.4',
    '{address}... Domain name required for sender address {sender}',
    'RFC 3463 §3.2',
  ],
  'real-domain-required': [
    553,
    '5.5.4',
    '{address}... Real domain name required for sender address',
    'Sendmail 8.17 check_mail',
  ],
  'user-unknown': [550, '5.1.1', '{address}... User unknown', 'RFC 3463 §3.2'],
  'alias-loop': [554, '5.4.6', '{address}... aliasing/forwarding loop broken', 'RFC 3463 §3.5'],
  'alias-program': [550, '5.2.4', '{address}... This address leads to a program or a file', 'RFC 3463 §3.3'],
  'alias-fault': [550, '5.2.4', '{address}... This address leads to none that can be used', 'RFC 3463 §3.3'],
  'virtual-refused': [553, '5.3.0', '{address}... {text}', 'Sendmail 8.17 virtusertable'],
  'user-address-required': [553, '5.0.0', '{address}... User address required', 'Sendmail 8.17 check_rcpt'],

  'no-programs': [550, '5.7.1', '{address}... Cannot mail directly to programs', 'Sendmail 8.17 recipient'],
  'no-files': [550, '5.7.1', '{address}... Cannot mail directly to files', 'Sendmail 8.17 recipient'],
  'no-includes': [550, '5.7.1', '{address}... Cannot mail directly to :include:s', 'Sendmail 8.17 recipient'],

  // Policy
  'map-missing': [451, '4.3.0', 'Temporary system failure. Please try again later.', 'Sendmail 8.17 check_relay'],
  'reverse-name-missing': [550, '5.7.1', '{where}Fix reverse DNS for {peer}', 'Sendmail 8.17 check_relay'],
  'reverse-name-unanswered': [451, '4.1.8', 'Client IP address {peer} does not resolve', 'Sendmail 8.17 check_relay'],
  'reverse-name-forged': [451, '4.1.8', 'Possibly forged hostname for {peer}', 'Sendmail 8.17 check_relay'],
  'relaying-denied-no-name': [
    550,
    '5.7.1',
    '{address}... Relaying denied. IP name lookup failed [{peer}]',
    'Sendmail 8.17 check_rcpt',
  ],
  'relaying-denied-forged': [
    550,
    '5.7.1',
    '{address}... Relaying denied. IP name possibly forged [{peer}]',
    'Sendmail 8.17 check_rcpt',
  ],
  'relaying-denied-authenticate': [
    550,
    '5.7.1',
    '{address}... Relaying denied. Proper authentication required.',
    'Sendmail 8.17 check_rcpt',
  ],
  'served-unanswered': [
    450,
    '4.4.0',
    '{address}... Can not check MX records for recipient host {domain}',
    'Sendmail 8.17 check_rcpt',
  ],
  'relaying-denied': [550, '5.7.1', '{address}... Relaying denied', 'RFC 3463 §3.8'],
  'relaying-denied-because': [550, '5.7.1', '{address}... Relaying denied: {reason}', 'RFC 3463 §3.8'],
  'relaying-denied-temporarily': [
    450,
    '4.4.0',
    '{address}... Relaying temporarily denied. Cannot resolve PTR record for {peer}',
    'Sendmail 8.17 check_rcpt',
  ],
  'access-denied': [550, '5.7.1', 'Access denied', 'RFC 3463 §3.8'],
  'address-access-denied': [550, '5.7.1', '{address}... Access denied', 'RFC 3463 §3.8'],
  'mailbox-disabled': [550, '5.2.1', '{address}... Mailbox disabled for this recipient', 'RFC 3463 §3.3'],
  'certificate-required': [550, '5.7.1', 'A client certificate is required here: {reason}', 'RFC 3463 §3.8'],
  'password-withdrawn': [550, '5.7.1', 'Your password has been withdrawn', 'RFC 3463 §3.8'],
  'certificate-withdrawn': [550, '5.7.1', 'Your certificate has been withdrawn', 'RFC 3463 §3.8'],
  'tls-required': [454, '4.7.0', '{reason}', 'Sendmail 8.17 TLS_connection'],
  'tls-required-temporarily': [403, '4.7.0', '{reason}', 'Sendmail 8.17 TLS_connection'],
  'tls-required-permanently': [503, '5.7.0', '{reason}', 'Sendmail 8.17 TLS_connection'],
  'tls-required-for-good': [554, '5.7.0', '{reason}', 'Sendmail 8.17 TLS_connection'],
  /** Stands for what an access map line says itself; code, enhanced code and text are the line's. */
  'access-map': [553, '5.3.0', '{text}', 'Sendmail 8.17 access_db'],

  // Content
  'start-mail': [354, undefined, 'End data with <CR><LF>.<CR><LF>', 'RFC 5321 §4.1.1.4'],
  'chunk-ok': [250, '2.0.0', '{size} octets received', 'RFC 3030 §2'],
  accepted: [250, '2.0.0', '{id} Message accepted for delivery', 'RFC 5321 §4.1.1.4'],
  'bare-line-end-in-content': [
    550,
    '5.6.0',
    'Bare CR or LF in the content; lines end with CR LF, binary content needs BINARYMIME',
    'RFC 5321 §2.3.8',
  ],
  'header-too-long': [552, '5.6.0', 'Header section exceeds {limit} octets', 'RFC 5322 §2.1.1'],
  'mail-loop': [554, '5.4.6', 'Too many hops ({count}): mail loop', 'RFC 5321 §6.3'],
  'storage-full': [452, '4.3.1', 'Insufficient storage; try again later', 'RFC 3463 §3.4'],
  'storage-failed': [451, '4.3.0', 'The message could not be stored; try again later', 'RFC 3463 §3.4'],
  'local-error': [451, '4.3.0', 'Local error; try again later', 'RFC 3463 §3.4'],

  // Delivery: conclusions about a recipient (used in outcomes, DSNs and events, never as a reply)
  delivered: [250, '2.0.0', 'Delivered', 'RFC 3464 §2.3.3'],
  'remote-deferred': [450, '4.0.0', 'The remote server put it off', 'RFC 3463 §3.1'],
  'remote-refused': [550, '5.0.0', 'The remote server refused it', 'RFC 3463 §3.1'],
  'remote-protocol': [451, '4.5.0', 'The remote server did not speak SMTP as it should', 'RFC 3463 §3.6'],
  'connect-failed': [451, '4.4.1', 'No answer from the remote server', 'RFC 3463 §3.5'],
  'connection-lost': [451, '4.4.2', 'The connection to the remote server was lost', 'RFC 3463 §3.5'],
  'remote-timeout': [451, '4.4.2', 'The remote server took too long', 'RFC 3463 §3.5'],
  'lookup-failed': [451, '4.4.3', 'The name service did not answer', 'RFC 3463 §3.5'],
  'no-such-domain': [550, '5.1.2', 'The recipient domain does not exist', 'RFC 3463 §3.2'],
  'no-route': [550, '5.4.4', 'The recipient domain has no mail server', 'RFC 3463 §3.5'],
  'route-refuses': [550, '5.7.1', 'Mail for this domain is refused by its route', 'RFC 3463 §3.8'],
  'route-holds': [450, '4.2.1', 'Mail for this domain is on hold', 'RFC 3463 §3.3'],
  'login-failed': [451, '4.7.8', 'The remote server did not accept our login', 'RFC 4954 §6'],
  'null-mx': [556, '5.1.10', 'The recipient domain accepts no mail', 'RFC 7505 §5'],
  'hop-is-self': [550, '5.4.6', 'The recipient domain is routed to this server itself', 'RFC 5321 §5.1'],
  'tls-unavailable': [451, '4.7.4', 'The remote server offers no TLS, and the route requires it', 'RFC 3463 §3.8'],
  'tls-failed': [451, '4.7.5', 'TLS with the remote server failed', 'RFC 3463 §3.8'],
  'utf8-unsupported': [550, '5.6.7', 'The message needs SMTPUTF8, which the remote server lacks', 'RFC 6531 §3.4'],
  '8bit-unsupported': [
    550,
    '5.6.3',
    'The message has 8-bit or binary content, which the remote server does not take',
    'RFC 6152 §3',
  ],
  'remote-size': [552, '5.3.4', 'The message is larger than the remote server takes', 'RFC 1870 §6'],
  expired: [554, '5.4.7', 'Delivery time expired', 'RFC 3463 §3.5'],
  'content-missing': [554, '5.3.0', 'The content of the message is no longer in the spool', 'RFC 3463 §3.4'],
} as const;

export type StatusKey = keyof typeof table;

/** Whose words a server speaks: ours, or Sendmail's where clients and log analysers were made for them. */
export type Dialect = 'sealpost' | 'sendmail';

/**
 * What Sendmail 8.17 says otherwise (`smtp.dialect: sendmail`), by the same keys: reply code, enhanced code, text. A row
 * is here because it was seen there; what is not in it is said as in the table above.
 */
const sendmail = {
  greeting: [220, undefined, '{hostname} ESMTP Sealpost {version}; {date}'],
  help: [502, '5.3.0', 'Sealpost {version} -- HELP not implemented'],
  'cannot-verify': [252, '2.5.2', 'Cannot VRFY user; try RCPT to attempt delivery (or try finger)'],
  'no-expand': [502, '5.7.0', 'Sorry, we do not allow this operation'],
  'hello-without-name': [501, '5.0.0', '{verb} requires domain address'],
  'syntax-hello': [501, '5.0.0', 'Invalid domain name'],
  'etrn-refused': [502, '5.7.0', 'Sorry, we do not allow this operation'],
  'verbose-refused': [502, '5.7.0', 'Verbose unavailable'],
  'syntax-mail': [501, '5.5.2', 'Syntax error in parameters scanning "{word}"'],
  'syntax-rcpt': [501, '5.5.2', 'Syntax error in parameters scanning "{word}"'],
  'syntax-auth': [501, '5.5.2', 'AUTH mechanism must be specified'],
  'dsn-not-offered': [504, '5.7.0', 'Sorry, {parameter} not supported, we do not allow DSN'],
  'parameter-without-value': [501, '5.5.2', '{parameter} requires a value'],
  'bad-parameter': [501, '5.5.4', 'Bad argument "{value}" to {parameter}'],
  'bad-return': [501, '5.5.2', 'Bad argument "{value}" to {parameter}'],
  'bad-size': [552, '5.2.3', 'Message size invalid'],
  'double-parameter': [501, '5.5.0', 'Duplicate {parameter} parameter'],
  'need-hello': [503, '5.0.0', 'Polite people say HELO first'],
  'introduce-yourself': [503, '5.0.0', 'I demand that you introduce yourself first'],
  'need-mail': [503, '5.0.0', 'Need MAIL command'],
  'need-mail-before-rcpt': [503, '5.0.0', 'Need MAIL before RCPT'],
  'need-rcpt': [503, '5.0.0', 'Need RCPT (recipient)'],
  'nested-mail': [503, '5.5.0', 'Sender already specified'],
  'starttls-again': [454, '4.3.3', 'TLS not available after start'],
  'starttls-unavailable': [454, '4.3.3', 'TLS not available after start'],
  'starttls-not-offered': [503, '5.5.0', 'TLS not available'],
  'auth-succeeded': [235, '2.0.0', 'OK Authenticated'],
  'auth-cancelled': [501, '5.0.0', 'AUTH aborted'],
  'auth-bad-base64': [501, '5.5.4', 'cannot BASE64 decode the response'],
  'auth-not-offered': [503, '5.3.3', 'AUTH not available'],
  'auth-again': [503, '5.5.0', 'Already Authenticated'],
  'auth-in-transaction': [503, '5.5.0', 'AUTH not permitted during a mail transaction'],
  'auth-mechanism': [504, '5.3.3', 'AUTH mechanism {mechanism} not available'],
  'auth-needs-tls': [504, '5.3.3', 'AUTH mechanism {mechanism} not available'],
  'auth-failed': [535, '5.7.0', 'authentication failed'],
  'auth-malformed': [535, '5.7.0', 'authentication failed'],
  'auth-not-enough': [535, '5.7.0', 'authentication failed'],
  'auth-external-needs-certificate': [535, '5.7.0', 'authentication failed'],
  'too-many-recipients': [452, '4.5.3', 'Too many recipients'],
  'protocol-noise': [421, '4.7.0', '{hostname} Rejecting open proxy'],
  'too-many-errors': [421, '4.7.0', '{hostname} Too many bad commands; closing connection'],
  'message-too-big': [552, '5.2.3', 'Message size exceeds fixed maximum message size ({limit})'],
  'content-too-big': [552, '5.2.3', 'Message exceeds maximum fixed size ({limit})'],
  'unknown-parameter': [555, '5.5.4', '{parameter} parameter unrecognized'],
} as const satisfies Partial<Record<StatusKey, readonly [number, string | undefined, string]>>;

/** Every status by its key, as one dialect has it. */
export type Statuses = Readonly<Record<StatusKey, Status>>;

/** Each row: reply code, enhanced code, text, source. */
const rows: Readonly<Record<string, readonly [number, string | undefined, string, string]>> = table;

/** The table by key. */
export const statuses: Statuses = Object.fromEntries(
  Object.entries(rows).map(([key, [code, enhanced, text, source]]) => [key, { key, code, enhanced, text, source }]),
) as Statuses;

const sendmailStatuses: Statuses = {
  ...statuses,
  ...Object.fromEntries(
    Object.entries(sendmail).map(([key, [code, enhanced, text]]) => [
      key,
      { key, code, enhanced, text, source: 'Sendmail 8.17' },
    ]),
  ),
};

/** The statuses in the words of a dialect. */
export function statusesOf(dialect: Dialect): Statuses {
  return dialect === 'sendmail' ? sendmailStatuses : statuses;
}

/** The class of a status: 2 success, 3 go on, 4 try again, 5 never. */
export function statusClass(status: Status): number {
  return Math.floor(status.code / 100);
}
