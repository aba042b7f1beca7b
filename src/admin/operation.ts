/**
 * All that an operator can do, as one table: name, what it takes, what does it. The faces (command line, control
 * socket, console) know operations by these names only. Input is checked here, once, whoever sent it; results are
 * plain data: JSON, and octets as Uint8Array.
 */
import { z } from 'zod';
import { nearest } from '../config/nearest.ts';
import { checkAccess, testAccess } from './access.ts';
import { createAcmeKey, listAcmeKeys, revokeHolder, withdrawAcmeKey } from './acme.ts';
import { listAudit, verifyLog } from './audit.ts';
import { authorityState, relockAuthority, showAuthority, unlockAuthority } from './authority.ts';
import { listCertificates, showCertificate } from './certificates.ts';
import { clientFacts } from './client-facts.ts';
import type { AdminContext } from './context.ts';
import { createEnrolment, listEnrolments, withdrawEnrolment } from './enrolment.ts';
import { OperationError } from './errors.ts';
import { addHolder } from './holder.ts';
import { addPassword, listPasswords, removePasswords, requireLogin } from './password.ts';
import { lintOwn } from './lint.ts';
import { holdQueued, listQueue, releaseQueued, removeQueued, retryQueued, showQueued } from './queue.ts';
import { renewCertificate } from './renewal.ts';
import { status } from './status.ts';
import { addTrust, fetchTrust, listTrusts, removeTrust, showTrust } from './trust.ts';

export interface Operation {
  readonly input: z.ZodType;
  run(context: AdminContext, input: unknown): Promise<unknown>;
}

const text = z.string().max(4_096);
const octets = z.instanceof(Uint8Array, { error: 'expected octets' });
const nothing = z.strictObject({});

const selection = {
  ids: z.array(text).max(10_000).optional(),
  recipient: text.optional(),
  reversePath: text.optional(),
  dest: text.optional(),
  holder: text.optional(),
  serial: text.optional(),
  held: z.boolean().optional(),
};
const change = z.strictObject({ ...selection, all: z.boolean().optional() });
const names = { holder: text.optional(), serial: text.optional(), name: text.optional() };
const reason = z.enum([
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]);

function operation<I>(input: z.ZodType<I>, act: (context: AdminContext, input: I) => unknown): Operation {
  return {
    input,
    async run(context, value) {
      const checked = input.safeParse(value ?? {});
      if (checked.success) return await act(context, checked.data);
      const [issue] = checked.error.issues;
      throw new OperationError('usage', `${issue?.path.join('.') || 'the input'}: ${issue?.message ?? 'is not right'}`);
    },
  };
}

export const operations: Readonly<Record<string, Operation>> = {
  'certificate.add': operation(
    z.strictObject({
      holder: text,
      profile: z.enum(['server', 'person', 'device', 'service']).optional(),
      csr: octets.optional(),
      publicKey: octets.optional(),
      subject: text.optional(),
      days: z.int().optional(),
      dnsNames: z.array(text).max(100).optional(),
      uris: z.array(text).max(100).optional(),
      why: text.optional(),
    }),
    addHolder,
  ),
  'certificate.list': operation(
    z.strictObject({
      all: z.boolean().optional(),
      expiring: z.int().min(0).optional(),
      limit: z.int().min(1).max(100_000).optional(),
    }),
    listCertificates,
  ),
  'certificate.show': operation(z.strictObject(names), showCertificate),
  'certificate.renew': operation(
    z.strictObject({
      ...names,
      csr: octets.optional(),
      publicKey: octets.optional(),
      days: z.int().optional(),
      overlap: z.int().min(0).optional(),
    }),
    renewCertificate,
  ),
  'certificate.revoke': operation(
    z.strictObject({ ...names, reason: reason.optional(), why: text.optional() }),
    revokeHolder,
  ),
  'client.facts': operation(nothing, clientFacts),
  'audit.list': operation(
    z.strictObject({
      holder: text.optional(),
      since: z.int().min(0).optional(),
      limit: z.int().min(1).max(10_000).optional(),
    }),
    listAudit,
  ),
  'audit.verify': operation(z.strictObject({ head: text.optional() }), verifyLog),
  'ca.show': operation(nothing, showAuthority),
  'ca.state': operation(nothing, authorityState),
  'ca.unlock': operation(z.strictObject({ sealed: octets }), unlockAuthority),
  'ca.relock': operation(nothing, relockAuthority),
  'enrolment.create': operation(
    z.strictObject({
      holder: text,
      profile: z.enum(['server', 'person', 'device', 'service']).optional(),
      dnsNames: z.array(text).max(100).optional(),
      days: z.int().optional(),
      hours: z.int().min(1).max(8_760).optional(),
      why: text.optional(),
    }),
    createEnrolment,
  ),
  'enrolment.list': operation(z.strictObject({ all: z.boolean().optional() }), listEnrolments),
  'enrolment.withdraw': operation(z.strictObject({ id: text }), withdrawEnrolment),
  'acme.key': operation(
    z.strictObject({
      holder: text,
      profile: z.enum(['server', 'device', 'service']).optional(),
      dnsNames: z.array(text).max(100).optional(),
      days: z.int().optional(),
      hours: z.int().min(1).max(8_760).optional(),
    }),
    createAcmeKey,
  ),
  'acme.list': operation(z.strictObject({ all: z.boolean().optional() }), listAcmeKeys),
  'acme.withdraw': operation(z.strictObject({ id: text }), withdrawAcmeKey),
  'password.add': operation(
    z.strictObject({
      holder: text,
      label: text.optional(),
      life: z.int().min(1).optional(),
      password: text.optional(),
      plainOnly: z.boolean().optional(),
      weak: z.boolean().optional(),
    }),
    addPassword,
  ),
  'password.list': operation(z.strictObject({ holder: text.optional(), all: z.boolean().optional() }), listPasswords),
  'password.remove': operation(
    z.strictObject({ name: text, label: text.optional(), all: z.boolean().optional() }),
    removePasswords,
  ),
  'password.require': operation(
    z.strictObject({ holder: text, need: z.enum(['any', 'certificate', 'password', 'both']) }),
    requireLogin,
  ),
  'queue.list': operation(z.strictObject({ ...selection, limit: z.int().min(1).max(10_000).optional() }), listQueue),
  'queue.show': operation(z.strictObject({ id: text }), showQueued),
  'queue.hold': operation(change.extend({ reason: text.optional() }), holdQueued),
  'queue.release': operation(change, releaseQueued),
  'queue.retry': operation(change, retryQueued),
  'queue.remove': operation(change, removeQueued),
  'access.check': operation(nothing, checkAccess),
  'access.test': operation(
    z.strictObject({
      address: text.optional(),
      name: text.optional(),
      helo: text.optional(),
      from: text.optional(),
      to: text.optional(),
      role: z.enum(['submission', 'relay']).optional(),
      certificate: octets.optional(),
      subject: text.optional(),
      issuer: text.optional(),
      verify: z.enum(['OK', 'NO', 'NOT', 'FAIL']).optional(),
      bits: z.int().min(0).max(1_024).optional(),
      ptr: z.enum(['ok', 'forged', 'none', 'temporary', 'unasked']).optional(),
      auth: text.optional(),
      senderDomain: z.enum(['exists', 'missing', 'temporary', 'unasked']).optional(),
      served: z.enum(['yes', 'no', 'temporary']).optional(),
    }),
    testAccess,
  ),
  lint: operation(z.strictObject({ fix: z.boolean().optional() }), lintOwn),
  'trust.add': operation(
    z.strictObject({
      file: octets,
      name: text.optional(),
      crl: octets.optional(),
      crlUrl: text.optional(),
      crlExpired: z.enum(['refuse', 'accept']).optional(),
      relay: z.array(text).max(10_000).optional(),
    }),
    addTrust,
  ),
  'trust.list': operation(nothing, listTrusts),
  'trust.show': operation(z.strictObject({ name: text }), showTrust),
  'trust.fetch': operation(z.strictObject({ name: text }), fetchTrust),
  'trust.remove': operation(z.strictObject({ name: text }), removeTrust),
  status: operation(nothing, status),
};

/** Runs one. Rejects with an OperationError for what was foreseen (`usage` for a name or input that is none). */
export async function runOperation(context: AdminContext, name: string, input: unknown): Promise<unknown> {
  const known = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (known !== undefined) return await known.run(context, input);
  const near = nearest(name, Object.keys(operations));
  throw new OperationError(
    'usage',
    `there is no operation "${name}"`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}
