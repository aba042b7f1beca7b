/** What the demo says, in English and Japanese. Output of the program is as the program gives it. */

const en = {
  title: 'Sealpost: the guide "SMTP over TLS with client certificates", walked for real',
  where: (directory: string) =>
    `all of it on this machine, on loopback and free ports, in ${directory}; removed at the end`,
  more: (count: number) => `${count} more lines left out`,
  keywords: (count: number) => `${count} lines of EHLO keywords left out`,
  failed: (step: string) => `FAILED in step ${step}`,
  passed: (count: number, seconds: string) =>
    `All ${count} steps did what they say, in ${seconds} s. Nothing was left behind.`,
  columns: ['#', 'IN THE GUIDE', 'HERE', 'TIME'] as readonly string[],

  ca: 'Create the CA',
  caGuide: 'cakey.pem, cacert.pem',
  caAlso:
    'the same command makes the server certificate and the configuration; a root that is kept apart signs the CA that issues',
  caDone: 'root and issuing CA, keys 0600',
  server: 'Server certificate',
  serverGuide: 'privkey.pem, newreq.pem, cert.pem',
  serverAlso: 'it is there already; this is what it says:',
  serverDone: (name: string) => `for ${name}, signed by the CA`,
  alice: 'Certificate and .p12 for alice@example.net',
  aliceGuide: 'mail_korogi_{key,req,cert}.pem, .p12',
  aliceAlso:
    'without --make-key she would get a token, and make the key on her machine; here it is made, bundled and not kept',
  aliceDone: '.p12 opens with its passphrase, and with no other',
  start: 'Start the relay',
  startGuide: 'sendmail.mc, access, makemap, restart',
  startAlso: 'no line in an access map is needed for our own holders; only the next hop is named, and free ports',
  startDone: (port: number) => `listens on port ${port}`,
  relays: 'alice relays to an outside address, with STARTTLS and her certificate',
  relaysGuide: "Outlook's settings, mail from outside",
  relaysAlso: 'her mail client is nodemailer, given the .p12 and its passphrase; no password, no AUTH',
  relaysDone: 'accepted for delivery',
  received: 'The message as the next hop received it',
  receivedGuide: 'the header: verify=YES',
  receivedDone: 'Received: … verify=OK',
  without: 'The same without a certificate',
  withoutGuide: '(not there)',
  withoutDone: 'relaying denied, with the reason',
  unknown: 'mallory has a certificate of a CA that is not ours',
  unknownGuide: '(not there)',
  unknownAlso: 'the handshake is not broken off: the refusal comes in SMTP, where its reason can be read. The log:',
  unknownDone: 'verify=FAIL, refused with the reason',
  revoke: 'Revoke alice, while a session of hers is open',
  revokeGuide: 'crl/ (nothing reads it)',
  revokeOpen: 'her session is open, and a recipient was accepted a moment ago:',
  revokeCut: (ms: number, whole: number) =>
    `the open session, ${ms} ms after the relay withdrew the certificate (${whole} ms after the command was typed), without asking:`,
  revokeDone: (ms: number) => `open session cut after ${ms} ms`,
  after: 'alice tries again',
  afterGuide: 'a certificate in wrong hands, and spam',
  afterDone: 'refused with the reason; 1 message went out in all',
  stop: 'Stop the relay',
  stopGuide: 'restart',
  stopAlso: 'SIGTERM; the last lines of the log:',
  stopDone: 'queue empty, clean end',
};

export type DemoMessages = typeof en;

const ja: DemoMessages = {
  title: 'Sealpost: ガイド「SMTP over TLS とクライアント認証」を実際にたどります',
  where: (directory) => `すべてこのマシンのループバックと空きポートで、${directory} の中で行い、最後に削除します`,
  more: (count) => `以下 ${count} 行省略`,
  keywords: (count) => `EHLO のキーワード ${count} 行を省略`,
  failed: (step) => `失敗したステップ: ${step}`,
  passed: (count, seconds) =>
    `${count} ステップすべてが表題どおりに動きました (${seconds} 秒)。後には何も残していません。`,
  columns: ['#', 'ガイド', '結果', '時間'],

  ca: 'CA を作る',
  caGuide: 'cakey.pem, cacert.pem',
  caAlso: '同じコマンドがサーバ証明書と設定も作ります。ルートは発行用 CA に署名するだけで、別に保管できます',
  caDone: 'ルート CA と発行用 CA。鍵は 0600',
  server: 'サーバ証明書',
  serverGuide: 'privkey.pem, newreq.pem, cert.pem',
  serverAlso: 'すでにできています。内容:',
  serverDone: (name) => `${name} 用、CA の署名あり`,
  alice: 'alice@example.net の証明書と .p12',
  aliceGuide: 'mail_korogi_{key,req,cert}.pem, .p12',
  aliceAlso:
    '--make-key がなければトークンを渡し、鍵は本人のマシンで作ります。ここでは鍵を作り、.p12 に入れ、手元には残しません',
  aliceDone: '.p12 は正しいパスフレーズでだけ開く',
  start: 'リレーを起動する',
  startGuide: 'sendmail.mc, access, makemap, 再起動',
  startAlso: '自分の CA の証明書ならアクセスマップの行は要りません。書くのは次の配送先と空きポートだけです',
  startDone: (port) => `ポート ${port} で待ち受け`,
  relays: 'alice が STARTTLS と証明書で外部のアドレスへ中継する',
  relaysGuide: 'Outlook の設定、外部からの送信',
  relaysAlso: 'メールソフトは nodemailer。.p12 とパスフレーズだけを渡し、パスワードも AUTH も使いません',
  relaysDone: '配送のために受理',
  received: '次の配送先が受け取ったメール',
  receivedGuide: 'ヘッダの verify=YES',
  receivedDone: 'Received: … verify=OK',
  without: '証明書なしで同じことをする',
  withoutGuide: '(なし)',
  withoutDone: '理由つきで中継を拒否',
  unknown: 'mallory の証明書は知らない CA のもの',
  unknownGuide: '(なし)',
  unknownAlso: 'ハンドシェイクは切らず、理由の読める SMTP の応答で拒否します。ログ:',
  unknownDone: 'verify=FAIL、理由つきで拒否',
  revoke: 'セッションが開いている間に alice を失効させる',
  revokeGuide: 'crl/ (どこからも参照されない)',
  revokeOpen: 'alice のセッションは開いていて、たった今宛先が受け付けられました:',
  revokeCut: (ms, whole) =>
    `開いていたセッションに、リレーが失効させてから ${ms} ms 後 (コマンド入力から ${whole} ms 後)、何も送らないうちに:`,
  revokeDone: (ms) => `開いたセッションを ${ms} ms で切断`,
  after: 'alice がもう一度送る',
  afterGuide: '証明書が誤って人手に渡ると SPAM の餌食',
  afterDone: '理由つきで拒否。外に出たのは全部で 1 通',
  stop: 'リレーを止める',
  stopGuide: '再起動',
  stopAlso: 'SIGTERM を送ります。ログの最後の行:',
  stopDone: 'キューは空、正常終了',
};

/** By LC_ALL, LC_MESSAGES or LANG, as the program itself does it. */
export function demoMessages(environment: Readonly<Record<string, string | undefined>>): DemoMessages {
  const locale = environment['LC_ALL'] || environment['LC_MESSAGES'] || environment['LANG'] || '';
  return /^ja(?:[_.@-]|$)/i.test(locale) ? ja : en;
}
