/** Recipients that stand for others, and how addresses of our own are written. */
import { z } from 'zod';
import type { Config } from '../schema.ts';
import { flag, path, domain } from './values.ts';

export const recipients: z.ZodType<Config['recipients']> = z
  .strictObject({
    aliases: z
      .array(path)
      .default([])
      .describe(
        'Files of aliases as Sendmail has them (`name: address, address`), for names in localDomains. Programs and files behind an alias get nothing; :include: lists are read. Read again when they change.',
      )
      .meta({ examples: [['aliases']] }),
    virtual: path.optional().meta({
      description:
        "Sendmail's virtusertable, as text: `user@domain address`, `@domain %1@other`, `user@domain error:nouser text`. For localDomains and virtualDomains.",
      type: 'string',
      examples: ['virtusertable'],
    }),
    virtualDomains: z
      .array(z.string())
      .default([])
      .describe(
        "Domains of `virtual` besides localDomains (Sendmail's VIRTUSER_DOMAIN); `.example.net` stands for the subdomains of example.net.",
      ),
    domains: path.optional().meta({
      description:
        "Sendmail's domaintable, as text: `old.example.net new.example.net`, for recipients and reverse-paths.",
      type: 'string',
      examples: ['domaintable'],
    }),
  })
  .prefault({} as never)
  .describe(
    'Recipients that stand for others. Nothing is delivered into mailboxes: what a name comes to goes the way of its domain, which is a route in delivery.routes or its MX.',
  );

export const senders: z.ZodType<Config['senders']> = z
  .strictObject({
    generic: path.optional().meta({
      description: "Sendmail's genericstable, as text: `user@inside.example.net user@example.net`.",
      type: 'string',
      examples: ['genericstable'],
    }),
    genericDomains: z
      .array(z.string())
      .default([])
      .describe(
        "Domains whose addresses are looked up in `generic` (Sendmail's GENERICS_DOMAIN); `.example.net` stands for the subdomains of example.net.",
      ),
    masquerade: z
      .strictObject({
        as: domain
          .describe("The domain that all others are written as (Sendmail's MASQUERADE_AS).")
          .meta({ examples: ['example.net'] }),
        domains: z
          .array(z.string())
          .default([])
          .describe('Domains that are written so; `.example.net` stands for the subdomains of example.net.')
          .meta({ examples: [['inside.example.net']] }),
        exceptions: z
          .array(z.string())
          .default([])
          .describe('Domains among them that keep their name, with their subdomains.'),
        exposed: z
          .array(z.string())
          .default([])
          .describe("Users whose address stays as it is (Sendmail's EXPOSED_USER).")
          .meta({ examples: [['root']] }),
      })
      .optional()
      .describe('One name for several domains of ours; what `generic` has goes before.')
      .meta({ examples: [{ as: 'example.net', domains: ['inside.example.net'] }] }),
    envelope: flag(true, 'Whether `generic` and `masquerade` write the reverse-path (Sendmail: masquerade_envelope).'),
    headers: flag(
      true,
      'Whether they, and `recipients.domains`, write addresses in header fields: From:, Sender:, Reply-To:, Errors-To:, Disposition-Notification-To: and their Resent- forms. A signature (DKIM) over what they change breaks.',
    ),
    recipients: flag(false, 'Whether To: and Cc: are written so, too (Sendmail: allmasquerade).'),
    qualify: flag(false, 'Whether header addresses without a domain get `hostname` for one, as Sendmail does.'),
  })
  .prefault({} as never)
  .describe('How addresses of our own are written to the world, in mail of any client.');
