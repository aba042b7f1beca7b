/** Who may send what to whom. */
import { z } from 'zod';
import { isPattern } from '../../relay/access/certificate-part.ts';
import { accessFeatures, type AccessFeature } from '../../relay/access/feature.ts';
import type { Config } from '../schema.ts';
import { flag, path, hostOrNetwork, network } from './values.ts';

const certificatePart = z
  .strictObject({
    pattern: z.string().min(1, 'write a regular expression such as /CN=([^/]*)'),
    groups: z.array(z.int().min(1)).default([]),
    between: z.string().default(''),
    after: z.string().default(''),
    exactCase: z.boolean().default(false),
  })
  .refine(({ pattern, groups }) => isPattern(pattern, groups), 'write a regular expression that has these groups');

export const access: z.ZodType<Config['access']> = z
  .strictObject({
    map: path
      .default('auto')
      .describe(
        "Access map in Sendmail's text form (CERTISSUER:, CERTSUBJECT:, Connect:, From:, To:). A path, `none`, or `auto`: the file `access` in the data directory when there is one.",
      ),
    localDomains: z
      .array(hostOrNetwork)
      .default([])
      .describe("Domains whose mail is accepted from anyone (Sendmail's class w). Exact names."),
    relayDomains: z
      .array(hostOrNetwork)
      .default([])
      .describe(
        "Domains, with subdomains, that anyone may send to and that may send to anyone by client name (Sendmail's class R).",
      ),
    trustedNetworks: z
      .array(network)
      .default([])
      .describe(
        'Networks whose clients may relay by address alone, without a certificate. Empty by default, and the machine itself is no exception.',
      ),
    trustedMechanisms: z
      .array(z.enum(['EXTERNAL', 'PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS']))
      .default(['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'])
      .describe(
        "Who has authenticated by one of these may relay (Sendmail's TRUST_AUTH_MECH). Passwords belong to holders; EXTERNAL lets every verified certificate relay, no matter who issued it.",
      ),
    localUsers: z
      .array(z.string().min(1, 'write the part before the @'))
      .optional()
      .describe(
        'Local parts that exist in localDomains, so that others are refused with 550 5.1.1; all exist when this is left out.',
      )
      .meta({ examples: [['postmaster', 'info']] }),
    missingMap: z
      .enum(['fault', 'defer', 'empty'])
      .default('fault')
      .describe(
        'What is done when `map` names a file that is not there: `fault` does not start, `defer` starts and answers 451 4.3.0 to everybody until it is, `empty` takes it for a map without lines.',
      ),
    features: z
      .array(z.enum(Object.keys(accessFeatures) as [AccessFeature, ...AccessFeature[]]))
      .default([])
      .describe(
        "Names of Sendmail's FEATUREs about access that are on; `sendmail` stands for all that Sendmail does without being told.",
      ),
    spam: z
      .enum(['friend', 'hater'])
      .optional()
      .describe(
        'With delayChecks: `friend` spares recipients with Spam:… FRIEND the delayed checks, `hater` makes them for Spam:… HATER alone.',
      )
      .meta({ examples: ['friend'] }),
    certificateParts: z
      .strictObject({ issuer: certificatePart.optional(), subject: certificatePart.optional() })
      .optional()
      .describe(
        "The parts of a certificate's names that stand behind CERTISSUER: and CERTSUBJECT: in the map, instead of the whole names (Sendmail's _CERT_REGEX_ISSUER_ and _CERT_REGEX_SUBJECT_). A name that does not match is looked for as it is. Who can get a certificate with such a part in any place of its name is let in.",
      )
      .meta({ examples: [{ subject: { pattern: '/CN=([^/]*)', groups: [1] } }] }),
    blocklistRecipients: flag(
      false,
      "Whether To: lines of the map may refuse recipients, before the certificate is looked at (Sendmail's blocklist_recipients).",
    ),
    delayChecks: flag(
      false,
      "Whether connection and reverse-path are judged at RCPT, where a certificate can overrule them (Sendmail's delay_checks).",
    ),
  })
  .prefault({} as never)
  .describe(
    'Who may send what to whom. Holders of certificates of our own CA relay by their record, with no line here.',
  );
