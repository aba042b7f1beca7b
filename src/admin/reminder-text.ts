/** What reminders and reports say, in English and Japanese in one mail: who reads it is not known to be of one language. */
import type { Ms } from '../base/clock.ts';
import type { AuditEntry } from '../ca/audit.ts';
import type { LedgerCounts } from '../ca/ledger.ts';
import { timeText } from '../protocol/mime/date.ts';
import type { Ending } from './reminders.ts';

export interface MailText {
  readonly subject: { readonly english: string; readonly japanese: string };
  /** Lines end with line feeds. */
  readonly text: string;
}

const DAY: Ms = 86_400_000;
/** Lines of a summary; what is more is counted. */
const MOST = 200;

export function holderMail({ holder, serial, notAfter }: Ending, hostname: string, now: Ms): MailText {
  const [end, left] = [timeText(notAfter), daysLeft(notAfter, now)];
  return {
    subject: {
      english: `Your mail certificate ends on ${dateText(notAfter)}`,
      japanese: `メール用証明書の有効期限は${dateText(notAfter)}です`,
    },
    text: `(日本語は下にあります)

The certificate with which you send mail through ${hostname} ends on ${end}, ${left.english}. After that the relay accepts no mail with it.

  Holder: ${holder}
  Serial: ${serial}
  Ends:   ${end}

To go on, ask the administrator of ${hostname} for a new one before that day, and give the serial number above. The new certificate is valid beside this one for a while, so mail does not stop while you change over. A program that renews by EST or ACME does so by itself; then there is nothing to do.

The administrator renews it with:  sealpost renew ${serial}

No key and no passphrase is ever sent by mail, and nobody will ask you for one.

----------------------------------------

${hostname} でのメール送信に使用している証明書の有効期限は ${end} です(${left.japanese})。期限を過ぎると、この証明書ではメールを送信できなくなります。

  所有者:       ${holder}
  シリアル番号: ${serial}
  有効期限:     ${end}

引き続きご利用になるには、期限までに ${hostname} の管理者へ上記のシリアル番号を伝え、新しい証明書の発行を依頼してください。新旧の証明書はしばらくの間どちらも有効なため、切り替えの間もメールは止まりません。EST または ACME で自動更新しているプログラムでは、何もする必要はありません。

管理者は次のコマンドで更新できます:  sealpost renew ${serial}

秘密鍵やパスフレーズをメールでお送りすることや、お尋ねすることは一切ありません。
`,
  };
}

export function operatorMail(endings: readonly Ending[], hostname: string, now: Ms): MailText {
  const count = endings.length;
  const list = endings
    .slice(0, MOST)
    .map(({ holder, serial, profile, notAfter }) => `  ${timeText(notAfter)}  ${holder}  ${serial}  ${profile ?? '*'}`)
    .join('\n');
  const [more, moreJapanese] =
    count > MOST ? [`\n  and ${count - MOST} more`, `\n  ほか ${count - MOST} 件`] : ['', ''];
  const outside = endings.some(({ profile }) => profile === undefined);
  return {
    subject: {
      english: `${hostname}: ${count} certificate${count === 1 ? '' : 's'} will end soon`,
      japanese: `証明書 ${count} 件の有効期限が近づいています`,
    },
    text: `(日本語は下にあります)

These certificates end soon and nothing has taken their place (as of ${timeText(now)}):

${list}${more}

Renew one with:       sealpost renew SERIAL
See all of them with: sealpost list --expiring 30d
${outside ? '\n* is the server certificate, which came from outside: renew it where it came from; the relay takes it from its file by itself.\n' : ''}
Holders who have a mail address were told, too.

----------------------------------------

次の証明書は有効期限が近づいていますが、まだ更新されていません(${timeText(now)} 現在)。

${list}${moreJapanese}

更新:     sealpost renew シリアル番号
一覧表示: sealpost list --expiring 30d
${outside ? '\n* は外部で発行されたサーバー証明書です。発行元で更新してください。ファイルが置き換わると自動的に読み込まれます。\n' : ''}
メールアドレスを持つ所有者には、本人にも通知しています。
`,
  };
}

export function auditHeadMail(head: AuditEntry, counts: LedgerCounts, hostname: string, now: Ms): MailText {
  const { active, suspended, revoked, ended } = counts;
  const mark = `${head.number}:${head.hash}`;
  return {
    subject: {
      english: `${hostname}: issuance log at entry ${head.number}`,
      japanese: `発行ログの記録番号 ${head.number}`,
    },
    text: `(日本語は下にあります)

The issuance log of ${hostname}, as of ${timeText(now)}:

  Entries:      ${head.number}
  Last entry:   ${timeText(head.at)}, ${head.action}
  Head:         ${mark}
  Certificates: ${active} active, ${suspended} suspended, ${revoked} revoked, ${ended} ended

Keep this mail away from the machine. The log has been cut off or changed when this fails:

  sealpost audit verify --head ${mark}

----------------------------------------

${hostname} の発行ログの状態です(${timeText(now)} 現在)。

  記録数:   ${head.number}
  最終記録: ${timeText(head.at)}, ${head.action}
  ヘッド:   ${mark}
  証明書:   有効 ${active}、一時停止 ${suspended}、失効 ${revoked}、期限切れ ${ended}

このメールは、サーバーとは別の場所に保管してください。次のコマンドが失敗した場合、ログは切り詰められたか改ざんされています。

  sealpost audit verify --head ${mark}
`,
  };
}

function daysLeft(notAfter: Ms, now: Ms): { readonly english: string; readonly japanese: string } {
  const days = Math.floor((notAfter - now) / DAY);
  if (days === 0) return { english: 'in less than a day', japanese: '残り 1 日未満' };
  return { english: `in ${days} day${days === 1 ? '' : 's'}`, japanese: `残り ${days} 日` };
}

function dateText(at: Ms): string {
  return timeText(at).slice(0, 10);
}
