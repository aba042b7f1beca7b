/** What Sendmail's own cf directory brings and a site builds on: the defaults, and those of operating systems. */
import type { Place } from './site.ts';

/** Stands for Sendmail's cf directory in places. */
export const BUILT_IN = '<cf>';

export function isBuiltIn(place: Place): boolean {
  return place.file === BUILT_IN;
}

/** cf/m4/cf.m4, as far as sendmail.mc can see it. */
const prologue = `divert(-1)changecom()undefine(\`format')undefine(\`hpux')
define(\`PUSHDIVERT', \`pushdef(\`__D__', divnum)divert($1)')
define(\`POPDIVERT', \`divert(__D__)popdef(\`__D__')')
define(\`lower', \`ifelse($#, 0, \`\`lower'', \`translit(\`$1', \`ABCDEFGHIJKLMNOPQRSTUVWXYZ', \`abcdefghijklmnopqrstuvwxyz')')')
define(\`_DEFIFNOT', \`ifdef(\`$1', \`', \`define(\`$1', \`$2')')')
define(\`CONCAT', \`$1$2$3$4$5$6$7')
define(\`DOL', \`\`$'$1')
define(\`CF_LEVEL', \`10')
define(\`LOCAL_CONFIG', \`divert(6)')
define(\`LOCAL_DNSBL', \`divert(8)')
define(\`LOCAL_NET_CONFIG', \`divert(1)')
define(\`LOCAL_RULE_0', \`divert(3)')
define(\`LOCAL_RULE_1', \`divert(9)
Ssender=1
')
define(\`LOCAL_RULE_2', \`divert(9)
Srecipient=2
')
define(\`LOCAL_RULE_3', \`divert(2)')
define(\`LOCAL_RULESETS', \`divert(9)')
define(\`LOCAL_UUCP', \`divert(4)')
define(\`MAILER_DEFINITIONS', \`divert(7)')
define(\`LOCAL_SRV_FEATURES', \`divert(9)
SLocal_srv_features')
define(\`LOCAL_CLT_FEATURES', \`divert(9)
SLocal_clt_features')
define(\`LOCAL_TRY_TLS', \`divert(9)
SLocal_try_tls')
define(\`LOCAL_TLS_RCPT', \`divert(9)
SLocal_tls_rcpt')
define(\`LOCAL_TLS_CLIENT', \`divert(9)
SLocal_tls_client')
define(\`LOCAL_TLS_SERVER', \`divert(9)
SLocal_tls_server')
define(\`DATABASE_MAP_TYPE', \`hash')
define(\`ALIAS_FILE', \`MAIL_SETTINGS_DIR\`'aliases')
define(\`confCW_FILE', \`MAIL_SETTINGS_DIR\`'local-host-names')
define(\`confCR_FILE', \`-o MAIL_SETTINGS_DIR\`'relay-domains')
define(\`confCT_FILE', \`MAIL_SETTINGS_DIR\`'trusted-users')
define(\`confLOG_LEVEL', \`9')
define(\`confPRIVACY_FLAGS', \`authwarnings')
define(\`confDELIVERY_MODE', \`background')
divert(0)`;

const debian = `define(\`confCF_VERSION', \`Debian')
define(\`confCR_FILE', \`-o MAIL_SETTINGS_DIR\`'relay-domains %[^\\#]')
define(\`confCT_FILE', \`MAIL_SETTINGS_DIR\`'trusted-users %[^\\#]')
define(\`confCW_FILE', \`MAIL_SETTINGS_DIR\`'local-host-names %[^\\#]')
`;

/** Operating systems whose file says nothing that matters here. */
const plainSystems =
  'a-ux aix3 aix4 aix5 altos amdahl-uts bsd4.3 bsd4.4 bsdi bsdi1.0 bsdi2.0 darwin dgux domainos dragonfly dynix3.2 freebsd4 freebsd5 freebsd6 freebsd7 gnu hpux10 hpux11 hpux9 irix4 irix5 irix6 isc4.1 linux maxion mklinux mpeix netbsd nextstep openbsd osf1 powerux ptx2 qnx riscos4.5 sco-uw-2.1 sco3.2 sinix solaris2 solaris2.ml solaris2.pre5 sunos3.5 sunos4.1 svr4 ultrix4 unixware7 unknown uxpds';

const oldUnicos = "define(`ALIAS_FILE', `/usr/lib/aliases')";
const bothFamilies = "define(`_NETINET6_')";

const files: ReadonlyMap<string, string> = new Map([
  ...plainSystems.split(' ').map((name) => [`ostype/${name}.m4`, ''] as const),
  ['ostype/debian.m4', debian],
  ['ostype/solaris8.m4', bothFamilies],
  ['ostype/solaris11.m4', bothFamilies],
  ['ostype/unicos.m4', oldUnicos],
  ['ostype/unicosmk.m4', oldUnicos],
  ['domain/generic.m4', "FEATURE(`redirect')FEATURE(`use_cw_file')EXPOSED_USER(`root')"],
  [
    'domain/debian-mta.m4',
    "define(`confDONT_BLAME_SENDMAIL', defn(`confDONT_BLAME_SENDMAIL')`,AssumeSafeChown,ForwardFileInGroupWritableDirPath,GroupWritableForwardFileSafe,GroupWritableIncludeFileSafe,IncludeFileInGroupWritableDirPath,DontWarnForwardFileInUnsafeDirPath,TrustStickyBit,NonRootSafeAddr,GroupWritableIncludeFile,GroupReadableDefaultAuthInfoFile')define(`confPRIVACY_FLAGS', `restrictqrun,restrictexpand')",
  ],
]);

/** A file of the cf directory that is known here, by its path there; cf.m4 wherever it lies. */
export function builtInFile(path: string): { readonly text: string; readonly file: string } | undefined {
  if (/(^|\/)cf\.m4$/.test(path)) return { text: prologue, file: BUILT_IN };
  const text = path.startsWith(`${BUILT_IN}/`) ? files.get(path.slice(BUILT_IN.length + 1)) : undefined;
  return text === undefined ? undefined : { text, file: BUILT_IN };
}
