import type { LintRule } from '../../config/lint/finding.ts';

/** What lint says of each rule, in English: what is so, and what to do. `lint-ja.ts` has the same rules and the same `{name}`s. */
export const lintEn: Readonly<Record<LintRule, readonly [text: string, hint: string]>> = {
  // Lines
  'access-line': ['{key} will not do what it looks like', 'read the line again'],
  duplicate: ['{key} is there already, in line {line}, which counts; this line does not', 'remove one of them'],
  'no-value': [
    '{key} has no value, so makemap leaves the line out',
    'write a value behind it, such as RELAY, OK or REJECT',
  ],
  wrapped: [
    'the entry {key} goes on in line {last}, so makemap leaves out both and none of it is in the map',
    'write it in one line',
  ],
  indented: ['the line begins with a blank, so makemap leaves it out', 'begin {key} in the first column'],
  'only-blanks': ['a line of blanks is an error to makemap', 'remove the blanks'],
  'email-attribute': [
    'no certificate prints /Email= today, so {key} matches none',
    'write /emailAddress=, or switch on the compatibility email-alias',
  ],
  'blank-in-name': [
    'the key ends at the first blank of the name, so {key} matches no certificate',
    'write +20 for each blank in the name',
  ],
  'name-type': [
    '{type} is no attribute that is ever printed, so {key} matches no certificate',
    'use the short names C, ST, L, O, OU, CN, emailAddress, DC, UID',
  ],
  'name-not-as-printed': [
    'no name is printed like this, so {key} matches no certificate',
    'as it is printed: {printed}',
  ],
  'name-extra': [
    'the line has {parts}, and the certificate that it seems to mean has not ({certificate})',
    'its name is {name}',
  ],
  'name-lacks': ['the certificate that the line seems to mean also has {parts} ({certificate})', 'its name is {name}'],
  'name-differs': [
    'the line and the certificate nearest to it ({certificate}) differ: {parts}',
    'if that one is meant, its name is {name}',
  ],
  'name-order': [
    'the line has the attributes of the certificate it seems to mean ({certificate}) in another order or form, so it does not match',
    'its name is {name}',
  ],
  'name-shared': [
    'only the beginning of so long a name is looked up, so the line that is for {certificate} lets in {names} too',
    'issue a certificate with a shorter name',
  ],
  'issuer-untrusted': [
    '{key} is no CA that is trusted here, so it lets in certificates only if it stands between them and one that is',
    "check the name against the CA's certificate, or add that to confCACERT",
  ],
  'subject-unknown': ['{key}: the CA has issued no certificate with this name', 'check the name, or remove the line'],
  // Issuers and subjects
  'issuer-relays-all': [
    'every certificate of this CA relays, and the CERTSUBJECT lines ({lines}) are never asked',
    'write SUBJECT instead of RELAY, so that only the subjects named relay',
  ],
  'issuer-relays-all-known': [
    'every certificate of this CA relays, {count} of them at present, and the CERTSUBJECT lines ({lines}) are never asked',
    'write SUBJECT instead of RELAY, so that only the subjects named relay',
  ],
  'issuer-public': [
    'anybody can get a certificate of this CA, and every one of them relays',
    'write SUBJECT, or use a CA of your own',
  ],
  'subject-dead': [
    'the line is dead: its issuer has RELAY in line {line}, so its subject is never looked at',
    'write SUBJECT in line {line}',
  ],
  'subject-never-asked': [
    'subjects are asked only when their issuer has CERTISSUER with SUBJECT, and none has',
    'add CERTISSUER:/… SUBJECT with the name of the CA',
  ],
  'issuer-without-subjects': [
    'the issuer asks for subjects, and there is no CERTSUBJECT line, so nobody relays',
    'add CERTSUBJECT lines',
  ],
  'subject-unbound': [
    'a CERTSUBJECT line is not bound to an issuer: a certificate of this CA passes by a line that was meant for the CA of line {line}, and the other way round',
    'mind that no two of them have the same subject',
  ],
  'issuer-indirect': [
    'rights follow the direct issuer, and certificates of this CA come from {below}',
    'add CERTISSUER:{below}',
  ],
  // Relaying without a certificate
  'relay-network': [
    '{addresses} addresses ({network}) relay without a certificate',
    'name single hosts, or give them certificates',
  ],
  'relay-top-domain': ['every host below {domain} relays without a certificate', 'write the whole domain'],
  'relay-untagged': [
    '{key} without a tag lets its hosts relay, and lets everybody send to {domain}',
    'write Connect: or To:, whichever is meant',
  ],
  'relay-to-top-domain': ['everybody may send to every domain below {domain}', 'write the whole domain'],
  'to-address-relay-off': [
    '{key}: RELAY for an address is asked only with relaytofulladdress',
    'write the domain, or add relaytofulladdress to FEATURE(access_db)',
  ],
  'from-relay-open': [
    '{key} lets everybody relay who writes this reverse-path',
    'remove FEATURE(relay_mail_from); give certificates instead',
  ],
  'from-relay-off': ['From: with RELAY lets nobody relay; it only takes mail, like OK', 'write OK'],
  'relay-domain-network': [
    '{addresses} addresses ({network}) relay without a certificate',
    'name single hosts, or give them certificates',
  ],
  'relay-domain-top': [
    'hosts below {domain} relay, and everybody may send to every domain below it',
    'write the whole domain',
  ],
  'trusted-network': [
    'every address of {network} relays without a certificate',
    'name single hosts, or give them certificates',
  ],
  // Values
  'skip-off': [
    'SKIP is an error text here: refused with 553 5.3.0 SKIP',
    'add skip to FEATURE(access_db), or remove the line',
  ],
  'value-word': [
    '{value} is no word that is known, so it is the text of a refusal: 553 5.3.0 {value}',
    'write OK, RELAY, REJECT or DISCARD, or ERROR:5.7.1:550 and a text',
  ],
  'value-misspelt': [
    '{value} is no word that is known, so it is the text of a refusal: 553 5.3.0 {value}',
    'write {word}',
  ],
  // Lines that are never asked
  'to-blocklist-off': [
    '{key}: recipients are refused only with FEATURE(blocklist_recipients), which is not on',
    'add it, or remove the line',
  ],
  'spam-off': ['{key}: Spam: is asked only with FEATURE(delay_checks, friend) or hater', 'add it, or remove the line'],
  'spam-other': ['FEATURE(delay_checks) says {kind}, so {value} has no effect', 'write {kind} in capitals'],
  'certificate-not-asked': [
    '{key}: clients are not asked for certificates (confTLS_SRV_OPTIONS has V), so no line about them holds',
    'remove the V',
  ],
  wildcard: ['{key}: the access map has no asterisks', 'write the domain; its subdomains are meant along with it'],
  'host-with-at': ['{key}: this tag is asked by hosts, never by addresses', 'use From: or To:'],
  'dot-domain-off': [
    '{key} is asked only with lookupdotdomain',
    'write {domain}, which stands for its subdomains too, or add lookupdotdomain',
  ],
  'domain-dot': ['{key}: names are asked without a dot at the end', 'remove the dot'],
  repeated: ['line {line} ({above}) says the same of all that is below it', 'this line can go'],
  // Certificates
  'weak-signature': [
    '{subject} ({role}) is signed with {hash} and does not verify',
    'issue it again with SHA-256; till then weak-signatures (in Sendmail DEFAULT:@SECLEVEL=0) accepts it',
  ],
  'weak-signature-accepted': [
    '{subject} ({role}) is signed with {hash}, and is accepted because weak ones were asked for',
    'issue it again with SHA-256, then switch weak-signatures (in Sendmail @SECLEVEL=0) off',
  ],
  'weak-key': [
    '{subject} ({role}) has an RSA key of {bits} bits; with less than 2048 it does not verify',
    'issue it again with a new key; till then weak-signatures (in Sendmail DEFAULT:@SECLEVEL=0) accepts it',
  ],
  'weak-key-accepted': [
    '{subject} ({role}) has an RSA key of {bits} bits, and is accepted because weak ones were asked for',
    'issue it again with a new key, then switch weak-signatures (in Sendmail @SECLEVEL=0) off',
  ],
  expired: ['{subject} ({role}) expired on {date}', 'issue it again; nothing makes an expired certificate verify'],
  'expires-soon': ['{subject} ({role}) expires on {date}', 'renew it'],
  'not-yet-valid': ['{subject} ({role}) is not valid before {date}', "check the clock of this machine, and the CA's"],
  // Keys
  'client-key-of-user': [
    'confCLIENT_KEY is the private key of a user ({subject}, {file}): the server acts as this user, and whoever reads the file can too',
    'give the server a client certificate of its own, and make the user a new key on the user’s machine',
  ],
  'ca-key-here': ["the CA's private key ({subject}) lies on the mail server", 'keep it where no server runs'],
  'ca-key-open': [
    "the CA's private key ({subject}) lies on the mail server, without a passphrase",
    'keep it where no server runs, under a passphrase',
  ],
  'user-key-here': [
    'a private key that is not the server’s lies here ({subject})',
    'remove it; a key belongs on the machine of its holder alone',
  ],
  'user-key-encrypted': [
    'a private key that is not the server’s lies here, under a passphrase ({subject})',
    'remove it; a key belongs on the machine of its holder alone',
  ],
  'key-mode-refused': ['the key can be read by others (mode {mode}), so Sendmail does not use it', 'chmod 600'],
  'key-mode-others': [
    'the key can be read by everybody on this machine (mode {mode})',
    'chmod 600, and replace the key',
  ],
  'key-mode-group': ['the key can be read by its group (mode {mode})', 'chmod 600'],
  'server-key-mismatch': [
    'the key {key} is not that of the certificate {certificate}, so STARTTLS is not offered',
    'name the key with which the certificate was requested',
  ],
  'client-key-mismatch': [
    'the key {key} is not that of the certificate {certificate}, so no certificate is shown to other servers',
    'name the key with which the certificate was requested',
  ],
  'bundle-here': [
    'a PKCS#12 file lies here; there is a private key in it',
    'remove it once its holder has imported it',
  ],
  'group-readable-keys': [
    'keys that their group can read are accepted (GroupReadableKeyFile)',
    'chmod 600 the keys and remove it',
  ],
  // Files of TLS
  'no-tls': [
    'there are lines about certificates, and no TLS is set up',
    'define confCACERT_PATH, confCACERT, confSERVER_CERT and confSERVER_KEY',
  ],
  'starttls-unset': ['{setting} is not defined, so STARTTLS is never offered', 'define it'],
  'starttls-file-missing': [
    '{setting} names {path}, which is not there, so STARTTLS is never offered',
    'correct the path',
  ],
  'starttls-file-unreadable': [
    '{setting} names {path}, which could not be read',
    'check it with the rights of the mail server',
  ],
  'starttls-file-empty': [
    '{setting} names {path}, which is empty, so STARTTLS is never offered',
    'put the file there again',
  ],
  'client-file-missing': [
    '{setting} names {path}, which is not there, so no certificate is shown to other servers',
    'correct the path',
  ],
  'client-file-unreadable': [
    '{setting} names {path}, which could not be read',
    'check it with the rights of the mail server',
  ],
  'client-file-empty': ['{setting} names {path}, which is empty', 'put the file there again'],
  'no-hash-link': [
    '{subject} lies in {directory} and is not trusted, because no link with its hash leads to it',
    'openssl rehash {directory}, if it is to be trusted',
  ],
  'security-level': [
    '{list} lets in MD5, SHA-1 and keys of 1024 bits',
    'issue the certificates again, and remove @SECLEVEL',
  ],
  'weak-ciphers': ['{list} has {weak} in it', 'remove it, or write DEFAULT'],
  // Revocation
  'no-crl': ['no revocation list is set up, so a certificate that was lost relays until it expires', 'define confCRL'],
  'no-crl-withdrawn': [
    'the CA has revoked {count} certificates, and no revocation list is set up, so they relay as before',
    'define confCRL',
  ],
  'crl-missing': ['the revocation list {path} is not there, and Sendmail takes every certificate then', 'fetch it'],
  'crl-unreadable': ['this is no revocation list that can be read', 'fetch it again'],
  'crl-expired': [
    'the list of {issuer} expired on {date}, and Sendmail takes no certificate of that CA any more',
    'fetch a new one, by a timer',
  ],
  'crl-ignored': [
    'only the first list of the file is loaded; the one of {issuer} is not',
    'use confCRL_PATH with hash links for several CAs',
  ],
  'crl-no-hash-link': ['{path} has no link with the hash of a CA, so no list in it is used', 'openssl rehash {path}'],
  // Settings
  'promiscuous-relay': ['everybody may relay: an open relay', 'remove FEATURE(promiscuous_relay)'],
  'relay-local-from': [
    'everybody may relay who writes a local reverse-path, and spammers do',
    'remove FEATURE(relay_local_from); give certificates instead',
  ],
  'relay-mail-from': [
    'everybody may relay who writes a reverse-path that the map has, and spammers do',
    'remove FEATURE(relay_mail_from); give certificates instead',
  ],
  'relay-based-on-mx': [
    'whoever points an MX here has its mail relayed',
    'remove FEATURE(relay_based_on_MX); name the domains',
  ],
  'loose-relay-check': ['user%host@domain is not judged by its host', 'remove FEATURE(loose_relay_check)'],
  'accept-unresolvable': [
    'mail is taken from domains to which no answer can go',
    'remove FEATURE(accept_unresolvable_domains), if the machine has DNS',
  ],
  'external-trusted': [
    'TRUST_AUTH_MECH has EXTERNAL: every certificate of every trusted CA relays, whatever the access map says',
    'take EXTERNAL out; CERTISSUER and CERTSUBJECT decide then',
  ],
  'verify-ok-relays': [
    'a ruleset lets every verified certificate relay, whatever the access map says',
    'remove it; CERTISSUER and CERTSUBJECT decide then',
  ],
  'no-access-db': ['there is no FEATURE(access_db), so no certificate lets anybody relay', 'add it'],
  'access-missing-optional': [
    'the access map {path} is not there, and counts as empty',
    'create it, or remove FEATURE(access_db)',
  ],
  'access-missing': ['the access map {path} is not there, so every connection is put off with 451 4.3.0', 'create it'],
};
