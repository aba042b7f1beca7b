import type { LintRule } from '../../config/lint/finding.ts';

/** What lint says of each rule, in Japanese. Same rules and the same `{name}`s as `lint-en.ts`. */
export const lintJa: Readonly<Record<LintRule, readonly [text: string, hint: string]>> = {
  // Lines
  'access-line': ['{key} は見た目どおりには働きません', 'この行を見直してください'],
  duplicate: ['{key} は {line} 行目にすでにあり、有効なのはそちらです。この行は無効です', 'どちらかを削除してください'],
  'no-value': ['{key} に値がないため、makemap はこの行を捨てます', 'RELAY、OK、REJECT などの値を書いてください'],
  wrapped: [
    '{key} が {last} 行目まで折り返されているため、makemap はどの行も捨て、マップには何も入りません',
    '1 行で書いてください',
  ],
  indented: ['行頭に空白があるため、makemap はこの行を捨てます', '{key} を行の先頭から書いてください'],
  'only-blanks': ['空白だけの行は makemap のエラーになります', '空白を削除してください'],
  'email-attribute': [
    '現在の証明書は /Email= とは表示されないため、{key} はどの証明書にも一致しません',
    '/emailAddress= と書くか、互換スイッチ email-alias を有効にしてください',
  ],
  'blank-in-name': [
    'キーは名前の最初の空白で終わるため、{key} はどの証明書にも一致しません',
    '名前の中の空白は +20 と書いてください',
  ],
  'name-type': [
    '{type} という属性は表示されることがないため、{key} はどの証明書にも一致しません',
    '短い名前 C、ST、L、O、OU、CN、emailAddress、DC、UID を使ってください',
  ],
  'name-not-as-printed': [
    'このように表示される名前はないため、{key} はどの証明書にも一致しません',
    '実際の表示: {printed}',
  ],
  'name-extra': [
    'この行には {parts} がありますが、対象と思われる証明書 ({certificate}) にはありません',
    '証明書の名前は {name} です',
  ],
  'name-lacks': [
    '対象と思われる証明書 ({certificate}) にある {parts} が、この行にはありません',
    '証明書の名前は {name} です',
  ],
  'name-differs': [
    'この行と、最も近い証明書 ({certificate}) が異なります: {parts}',
    'その証明書のことであれば、名前は {name} です',
  ],
  'name-order': [
    '対象と思われる証明書 ({certificate}) と属性の順序または形が異なるため、一致しません',
    '証明書の名前は {name} です',
  ],
  'name-shared': [
    'これほど長い名前は先頭しか照合されないため、{certificate} のための行で {names} も許可されます',
    'もっと短い名前の証明書を発行してください',
  ],
  'issuer-untrusted': [
    '{key} はここで信頼された CA ではないため、信頼された CA の下位 CA でないかぎり、どの証明書も許可しません',
    'CA 証明書の名前と照合するか、その証明書を confCACERT に加えてください',
  ],
  'subject-unknown': ['{key}: CA はこの名前の証明書を発行していません', '名前を確認するか、行を削除してください'],
  // Issuers and subjects
  'issuer-relays-all': [
    'この CA の証明書はすべてリレーでき、CERTSUBJECT の行 ({lines}) は一度も参照されません',
    'RELAY の代わりに SUBJECT と書けば、列挙したサブジェクトだけがリレーできます',
  ],
  'issuer-relays-all-known': [
    'この CA の証明書はすべて (現在 {count} 枚) リレーでき、CERTSUBJECT の行 ({lines}) は一度も参照されません',
    'RELAY の代わりに SUBJECT と書けば、列挙したサブジェクトだけがリレーできます',
  ],
  'issuer-public': [
    'この CA の証明書は誰でも取得でき、そのすべてがリレーできます',
    'SUBJECT と書くか、自前の CA を使ってください',
  ],
  'subject-dead': [
    'この行は無効です。{line} 行目の発行者が RELAY なので、サブジェクトは参照されません',
    '{line} 行目を SUBJECT にしてください',
  ],
  'subject-never-asked': [
    'サブジェクトは、発行者の CERTISSUER が SUBJECT のときだけ参照されますが、そのような行がありません',
    'CA の名前で CERTISSUER:/… SUBJECT を加えてください',
  ],
  'issuer-without-subjects': [
    '発行者はサブジェクトを参照しますが、CERTSUBJECT の行がないため、誰もリレーできません',
    'CERTSUBJECT の行を加えてください',
  ],
  'subject-unbound': [
    'CERTSUBJECT の行は発行者と結び付きません。この CA の証明書は {line} 行目の CA のための行でも許可され、その逆も同じです',
    '両方の CA に同じサブジェクトがないことを確かめてください',
  ],
  'issuer-indirect': [
    '権限は直接の発行者で決まりますが、この CA の証明書は {below} が発行しています',
    'CERTISSUER:{below} を加えてください',
  ],
  // Relaying without a certificate
  'relay-network': [
    '{addresses} 個のアドレス ({network}) が証明書なしでリレーできます',
    'ホストを個別に書くか、証明書を渡してください',
  ],
  'relay-top-domain': ['{domain} の下のすべてのホストが証明書なしでリレーできます', 'ドメインを最後まで書いてください'],
  'relay-untagged': [
    'タグのない {key} は、そのホストのリレーと、誰からでも {domain} 宛てのメールの両方を許可します',
    'Connect: か To: のうち、意図した方を付けてください',
  ],
  'relay-to-top-domain': [
    '{domain} の下のすべてのドメイン宛てに、誰でも送信できます',
    'ドメインを最後まで書いてください',
  ],
  'to-address-relay-off': [
    '{key}: アドレスの RELAY は relaytofulladdress があるときだけ参照されます',
    'ドメインで書くか、FEATURE(access_db) に relaytofulladdress を加えてください',
  ],
  'from-relay-open': [
    '{key} により、この送信者アドレスを名乗る者は誰でもリレーできます',
    'FEATURE(relay_mail_from) を外し、証明書を渡してください',
  ],
  'from-relay-off': ['From: の RELAY では誰もリレーできません。OK と同じく受信を許すだけです', 'OK と書いてください'],
  'relay-domain-network': [
    '{addresses} 個のアドレス ({network}) が証明書なしでリレーできます',
    'ホストを個別に書くか、証明書を渡してください',
  ],
  'relay-domain-top': [
    '{domain} の下のホストがリレーでき、その下のすべてのドメイン宛てに誰でも送信できます',
    'ドメインを最後まで書いてください',
  ],
  'trusted-network': [
    '{network} のすべてのアドレスが証明書なしでリレーできます',
    'ホストを個別に書くか、証明書を渡してください',
  ],
  // Values
  'skip-off': [
    'ここでは SKIP は拒否の文言になります (553 5.3.0 SKIP)',
    'FEATURE(access_db) に skip を加えるか、行を削除してください',
  ],
  'value-word': [
    '{value} は既知の語ではないため、拒否の文言になります (553 5.3.0 {value})',
    'OK、RELAY、REJECT、DISCARD、または ERROR:5.7.1:550 と文言を書いてください',
  ],
  'value-misspelt': [
    '{value} は既知の語ではないため、拒否の文言になります (553 5.3.0 {value})',
    '{word} と書いてください',
  ],
  // Lines that are never asked
  'to-blocklist-off': [
    '{key}: 宛先の拒否には FEATURE(blocklist_recipients) が必要ですが、有効ではありません',
    'それを加えるか、行を削除してください',
  ],
  'spam-off': [
    '{key}: Spam: は FEATURE(delay_checks) の friend または hater のときだけ参照されます',
    'それを加えるか、行を削除してください',
  ],
  'spam-other': [
    'FEATURE(delay_checks) が {kind} なので、{value} は効果がありません',
    '{kind} を大文字で書いてください',
  ],
  'certificate-not-asked': [
    '{key}: クライアントに証明書を要求していない (confTLS_SRV_OPTIONS に V) ため、証明書に関する行は働きません',
    'V を外してください',
  ],
  wildcard: ['{key}: アクセスマップに * はありません', 'ドメインだけを書いてください。サブドメインも含まれます'],
  'host-with-at': [
    '{key}: このタグはホストで参照され、アドレスでは参照されません',
    'From: または To: を使ってください',
  ],
  'dot-domain-off': [
    '{key} は lookupdotdomain があるときだけ参照されます',
    'サブドメインも含む {domain} と書くか、lookupdotdomain を加えてください',
  ],
  'domain-dot': ['{key}: 名前は末尾のドットなしで参照されます', 'ドットを取ってください'],
  repeated: ['{line} 行目 ({above}) がその下のすべてについて同じことを述べています', 'この行は不要です'],
  // Certificates
  'weak-signature': [
    '{subject} ({role}) は {hash} で署名されており、検証に通りません',
    'SHA-256 で再発行してください。それまでは weak-signatures (Sendmail では DEFAULT:@SECLEVEL=0) で受け入れられます',
  ],
  'weak-signature-accepted': [
    '{subject} ({role}) は {hash} で署名されており、弱い証明書を許す設定のため受け入れられています',
    'SHA-256 で再発行し、weak-signatures (Sendmail では @SECLEVEL=0) をやめてください',
  ],
  'weak-key': [
    '{subject} ({role}) の RSA 鍵は {bits} ビットです。2048 ビット未満では検証に通りません',
    '新しい鍵で再発行してください。それまでは weak-signatures (Sendmail では DEFAULT:@SECLEVEL=0) で受け入れられます',
  ],
  'weak-key-accepted': [
    '{subject} ({role}) の RSA 鍵は {bits} ビットで、弱い証明書を許す設定のため受け入れられています',
    '新しい鍵で再発行し、weak-signatures (Sendmail では @SECLEVEL=0) をやめてください',
  ],
  expired: [
    '{subject} ({role}) は {date} に期限が切れました',
    '再発行してください。期限切れの証明書を通す方法はありません',
  ],
  'expires-soon': ['{subject} ({role}) は {date} に期限が切れます', '更新してください'],
  'not-yet-valid': [
    '{subject} ({role}) は {date} より前は有効ではありません',
    'このマシンと CA の時計を確かめてください',
  ],
  // Keys
  'client-key-of-user': [
    'confCLIENT_KEY が利用者の秘密鍵 ({subject}、{file}) です。サーバがこの利用者として振る舞い、ファイルを読める者も同じことができます',
    'サーバ専用のクライアント証明書を用意し、利用者の鍵は利用者のマシンで作り直してください',
  ],
  'ca-key-here': [
    'CA の秘密鍵 ({subject}) がメールサーバに置かれています',
    'サーバの動いていない場所に保管してください',
  ],
  'ca-key-open': [
    'CA の秘密鍵 ({subject}) が、パスフレーズなしでメールサーバに置かれています',
    'サーバの動いていない場所に、パスフレーズを付けて保管してください',
  ],
  'user-key-here': [
    'サーバのものではない秘密鍵が置かれています ({subject})',
    '削除してください。秘密鍵は持ち主のマシンだけに置くものです',
  ],
  'user-key-encrypted': [
    'サーバのものではない秘密鍵が、パスフレーズ付きで置かれています ({subject})',
    '削除してください。秘密鍵は持ち主のマシンだけに置くものです',
  ],
  'key-mode-refused': [
    '鍵が他のユーザから読める (モード {mode}) ため、Sendmail はこの鍵を使いません',
    'chmod 600 にしてください',
  ],
  'key-mode-others': ['鍵がこのマシンの誰からでも読めます (モード {mode})', 'chmod 600 にし、鍵を取り替えてください'],
  'key-mode-group': ['鍵がグループから読めます (モード {mode})', 'chmod 600 にしてください'],
  'server-key-mismatch': [
    '鍵 {key} は証明書 {certificate} のものではないため、STARTTLS は提供されません',
    '証明書を申請したときの鍵を指定してください',
  ],
  'client-key-mismatch': [
    '鍵 {key} は証明書 {certificate} のものではないため、他のサーバに証明書を示せません',
    '証明書を申請したときの鍵を指定してください',
  ],
  'bundle-here': ['PKCS#12 ファイルが置かれています。中に秘密鍵があります', '持ち主が取り込んだら削除してください'],
  'group-readable-keys': [
    'グループから読める鍵を許しています (GroupReadableKeyFile)',
    '鍵を chmod 600 にして、この指定を外してください',
  ],
  // Files of TLS
  'no-tls': [
    '証明書に関する行がありますが、TLS が設定されていません',
    'confCACERT_PATH、confCACERT、confSERVER_CERT、confSERVER_KEY を定義してください',
  ],
  'starttls-unset': ['{setting} が定義されていないため、STARTTLS は提供されません', '定義してください'],
  'starttls-file-missing': ['{setting} の {path} がないため、STARTTLS は提供されません', 'パスを直してください'],
  'starttls-file-unreadable': ['{setting} の {path} を読めませんでした', 'メールサーバの権限で確かめてください'],
  'starttls-file-empty': ['{setting} の {path} が空のため、STARTTLS は提供されません', 'ファイルを置き直してください'],
  'client-file-missing': ['{setting} の {path} がないため、他のサーバに証明書を示せません', 'パスを直してください'],
  'client-file-unreadable': ['{setting} の {path} を読めませんでした', 'メールサーバの権限で確かめてください'],
  'client-file-empty': ['{setting} の {path} が空です', 'ファイルを置き直してください'],
  'no-hash-link': [
    '{subject} は {directory} にありますが、ハッシュ名のリンクがないため信頼されません',
    '信頼するなら openssl rehash {directory} を実行してください',
  ],
  'security-level': ['{list} は MD5、SHA-1、1024 ビットの鍵を許します', '証明書を再発行し、@SECLEVEL を外してください'],
  'weak-ciphers': ['{list} に {weak} が含まれています', '取り除くか、DEFAULT と書いてください'],
  // Revocation
  'no-crl': [
    '失効リストが設定されていないため、紛失した証明書でも期限までリレーできます',
    'confCRL を定義してください',
  ],
  'no-crl-withdrawn': [
    'CA は {count} 枚の証明書を失効させていますが、失効リストが設定されていないため、以前と同じくリレーできます',
    'confCRL を定義してください',
  ],
  'crl-missing': ['失効リスト {path} がありません。この場合 Sendmail はどの証明書も受け入れます', '取得してください'],
  'crl-unreadable': ['失効リストとして読めません', '取得し直してください'],
  'crl-expired': [
    '{issuer} の失効リストは {date} に期限が切れ、Sendmail はこの CA の証明書を一切受け入れません',
    'タイマーで定期的に取得してください',
  ],
  'crl-ignored': [
    '読み込まれるのはファイルの最初のリストだけで、{issuer} のリストは無視されます',
    '複数の CA には confCRL_PATH とハッシュ名のリンクを使ってください',
  ],
  'crl-no-hash-link': [
    '{path} に CA のハッシュ名のリンクがないため、どのリストも使われません',
    'openssl rehash {path} を実行してください',
  ],
  // Settings
  'promiscuous-relay': ['誰でもリレーできます (オープンリレー)', 'FEATURE(promiscuous_relay) を外してください'],
  'relay-local-from': [
    'ローカルの送信者アドレスを名乗れば誰でもリレーでき、迷惑メールの送信者もそうします',
    'FEATURE(relay_local_from) を外し、証明書を渡してください',
  ],
  'relay-mail-from': [
    'マップにある送信者アドレスを名乗れば誰でもリレーでき、迷惑メールの送信者もそうします',
    'FEATURE(relay_mail_from) を外し、証明書を渡してください',
  ],
  'relay-based-on-mx': [
    'MX をこのサーバに向けた者は誰でも、そのメールをリレーさせられます',
    'FEATURE(relay_based_on_MX) を外し、ドメインを列挙してください',
  ],
  'loose-relay-check': ['user%host@domain の host が確認されません', 'FEATURE(loose_relay_check) を外してください'],
  'accept-unresolvable': [
    '返事の届かないドメインからのメールを受け取ります',
    'DNS が使えるなら FEATURE(accept_unresolvable_domains) を外してください',
  ],
  'external-trusted': [
    'TRUST_AUTH_MECH に EXTERNAL があるため、アクセスマップの内容にかかわらず、信頼された CA の証明書はすべてリレーできます',
    'EXTERNAL を外せば、CERTISSUER と CERTSUBJECT で決まります',
  ],
  'verify-ok-relays': [
    '検証に通った証明書は、アクセスマップの内容にかかわらず、すべてリレーできるルールセットがあります',
    '外せば、CERTISSUER と CERTSUBJECT で決まります',
  ],
  'no-access-db': ['FEATURE(access_db) がないため、証明書では誰もリレーできません', '加えてください'],
  'access-missing-optional': [
    'アクセスマップ {path} がなく、空として扱われます',
    '作成するか、FEATURE(access_db) を外してください',
  ],
  'access-missing': ['アクセスマップ {path} がないため、すべての接続が 451 4.3.0 で先送りされます', '作成してください'],
};

/** What the access map's own review says, which is English by itself, by the name of the trap. */
export const trapsJa: Readonly<Record<string, readonly [text: string, hint: string]>> = {
  'no-name': ['{tag} の後に名前がありません', '{tag}:/C=JP/O=Example/CN=ca のように名前全体を書いてください'],
  unencoded: ['符号化された名前に {character} は現れません', '{encoded} と書いてください'],
  'bare-plus': [
    '+HH の形でない + は、符号化された名前に現れません',
    '値の中の + は +5C+2B、RDN の区切りは +2B と書いてください',
  ],
  'key-too-long': [
    'キーは先頭の {most} オクテットしか照合されませんが、このキーはそれより長くなっています',
    '{most} オクテットで切ってください。ただし先頭が同じ名前はすべて一致します',
  ],
  cidr: [
    'アクセスマップに CIDR 形式のネットワークは書けません',
    '192.0.2 のように先頭のオクテットを、末尾のドットなしで書いてください',
  ],
  'trailing-dot': ['ネットワークの末尾にドットは付きません', '192.0.2 のように書いてください'],
  'trailing-zero': [
    '末尾の 0 は 0 そのもので、任意のオクテットを意味しません',
    '192.0.2 のように先頭のオクテットだけを書いてください',
  ],
  'ipv6-compressed': [
    'IPv6 アドレスは省略しない形で照合されます',
    'IPv6:2001:db8:0:0:0:0:0:1 のように 0 をすべて書くか、先頭の部分だけを書いてください',
  ],
  'ipv6-untagged': ['IPv6 アドレスの前には IPv6: が必要です', 'IPv6:{address} と書いてください'],
  'issuer-value': [
    'CERTISSUER の値 {value} は効果がありません',
    'RELAY または SUBJECT と書いてください。CA を拒否するには、信頼しないことです',
  ],
  'subject-value': [
    'CERTSUBJECT の値 {value} は効果がありません',
    'RELAY と書いてください。拒否するには、行を削除するか証明書を失効させてください',
  ],
  'spam-value': ['Spam の値 {value} は効果がありません', 'FRIEND または HATER と書いてください'],
  'unknown-tag': ['{tag} というタグは知られていません', 'タグのつづりを確かめてください'],
  'quoted-word': ['引用符で囲んだ語は拒否の文言になります', '引用符なしで {word} と書いてください'],
  'comment-in-value': ['値の後ろのコメントは値の一部になります', 'コメントは別の行に書いてください'],
  'tls-value': [
    '{tag} の値 {value} は何も要求しません',
    'VERIFY、VERIFY:ビット数、ENCR:ビット数 (前に PERM+ か TEMP+)、または何も要求しない OK と書いてください',
  ],
  'tls-extension': [
    '{extension} は知られた要求ではなく、それより後ろは無視されます',
    'CN、CN:名前、CS:サブジェクト、CI:発行者、CITag:タグ を ++ でつないでください',
  ],
  'try-tls-value': [
    'Try_TLS の値 {value} は効果がありません',
    'NO、または上位ドメインが NO のときは OK と書いてください',
  ],
};
