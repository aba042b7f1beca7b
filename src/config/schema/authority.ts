/** The certificate authority, and mail about its certificates. */
import { z } from 'zod';
import type { Ms } from '../../base/clock.ts';
import { templateFault } from '../../ca/subject.ts';
import type { Config } from '../schema.ts';
import { measure, duration, path } from './values.ts';

/** The life of one profile. */
const lifetime = (what: string, most: string, usual: string): z.ZodType<Ms> =>
  duration(usual, `Life of ${what}.`, '1h', most);

export const notices: z.ZodType<Config['notices']> = z
  .strictObject({
    operator: z
      .array(z.string().regex(/^[^\s@<>]+@[^\s@<>]+$/u, 'write an address such as postmaster@example.net'))
      .default([])
      .describe(
        'Who is told by mail, once a day, which certificates end soon, and the head of the issuance log. Empty: nobody.',
      )
      .meta({ examples: [['postmaster@example.net']] }),
    reminders: z
      .array(measure('duration', undefined, 'Time before the end.', '1h', '365d'))
      .prefault(['30d', '7d', '1d'])
      .describe(
        'How long before its certificate ends a holder with a mail address is reminded, and the operator told. A time of more than half the life of a certificate does not count for it; what was renewed is not spoken of. Empty: never.',
      ),
  })
  .prefault({} as never)
  .describe('Mail from the relay itself.');

export const ca: z.ZodType<Config['ca']> = z
  .strictObject({
    overlap: duration(
      '30d',
      'How long a certificate that was renewed stays valid beside the new one, but no longer than its own end; then it is withdrawn as superseded.',
      '0',
      '3650d',
    ),
    renewBefore: z
      .union([z.literal('auto'), measure('duration', undefined, 'Time before the end.', '1h', '365d')])
      .prefault('auto')
      .describe(
        'How long before its end the server certificate is renewed, when it is of our own CA: a time such as 60d, or `auto` for a third of its life. Its key stays the same. One from outside is never touched.',
      ),
    url: z
      .string()
      .regex(
        /^http:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/,
        'write an address such as http://relay.example.net:8480 (http and not https, without a slash at the end)',
      )
      .optional()
      .meta({
        description:
          'Where others reach `web.http`: certificates issued from then on name it for revocation (CRL, OCSP) and for the issuing certificate. Without it they name nothing.',
        type: 'string',
        examples: ['http://relay.example.net:8480'],
      }),
    lifetimes: z
      .strictObject({
        server: lifetime('server certificates', '825d', '397d'),
        person: lifetime('certificates of persons', '1826d', '397d'),
        device: lifetime('certificates of devices', '1826d', '730d'),
        service: lifetime('certificates of services', '1826d', '730d'),
        responder: lifetime('certificates of the OCSP responder', '90d', '30d'),
      })
      .prefault({} as never)
      .describe(
        'How long certificates live at most, and unless less is asked for. Those of 7 days or less are on no revocation list and say so (noRevAvail, RFC 9608).',
      ),
    subject: z
      .string()
      .superRefine((text, context) => {
        const fault = templateFault(text);
        if (fault !== undefined) context.addIssue(`${fault}; write a name such as C=JP, O=Example, CN={holder}`);
      })
      .optional()
      .meta({
        description:
          'Subject of certificates whose request brings none, as RFC 4514 writes names, but in the order in which the certificate has the parts; `{holder}` stands for the name of the holder. Without it `CN={holder}`.',
        type: 'string',
        examples: ['C=JP, O=Example, CN={holder}'],
      }),
    signer: path.optional().meta({
      description:
        'Unix socket of a signer that runs as a user of its own and alone can read the issuing key (see docs/guide/custody.md). Without it the relay starts the signer itself.',
      type: 'string',
      examples: ['/run/sealpost/signer.sock'],
    }),
  })
  .prefault({} as never)
  .describe('The certificate authority.');
