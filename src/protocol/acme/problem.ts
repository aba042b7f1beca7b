/** Problem documents (RFC 9457) with the error types of ACME (RFC 8555 §6.7, RFC 9773 §7.4). */

/** Each type with the HTTP status that is usual for it. */
const statusOf = {
  accountDoesNotExist: 400,
  alreadyReplaced: 409,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badPublicKey: 400,
  badRevocationReason: 400,
  badSignatureAlgorithm: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  incorrectResponse: 403,
  invalidContact: 400,
  malformed: 400,
  orderNotReady: 403,
  rateLimited: 429,
  rejectedIdentifier: 400,
  serverInternal: 500,
  unauthorized: 403,
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
} as const;

export type ProblemType = keyof typeof statusOf;

export interface Problem {
  readonly type: ProblemType;
  /** For whoever reads the client's log: what is wrong and what to do. */
  readonly detail: string;
  readonly status: number;
  /** One for each name that is at fault (RFC 8555 §6.7.1). */
  readonly subproblems?: readonly SubProblem[] | undefined;
  /** With badSignatureAlgorithm: what would do (RFC 8555 §6.2). */
  readonly algorithms?: readonly string[] | undefined;
}

export interface SubProblem {
  readonly type: ProblemType;
  readonly detail: string;
  readonly name: string;
}

export function problem(
  type: ProblemType,
  detail: string,
  more: Partial<Omit<Problem, 'type' | 'detail'>> = {},
): Problem {
  return { type, detail, status: statusOf[type], ...more };
}

/** The same, to throw: whatever is wrong with a request ends its handling. */
export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';
  readonly problem: Problem;
  /** Header fields of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(what: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(`${what.type}: ${what.detail}`);
    this.problem = what;
    this.headers = headers;
  }
}

/** Throws: for the many places where a request is refused with a type and a sentence. */
export function refuse(type: ProblemType, detail: string, more: Partial<Omit<Problem, 'type' | 'detail'>> = {}): never {
  throw new AcmeProblem(problem(type, detail, more));
}

const urn = (type: ProblemType): string => `urn:ietf:params:acme:error:${type}`;

/** As it goes into JSON. */
export function problemObject({ type, detail, status, subproblems, algorithms }: Problem): object {
  return {
    type: urn(type),
    detail,
    status,
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(subproblems === undefined
      ? {}
      : {
          subproblems: subproblems.map((sub) => ({
            type: urn(sub.type),
            detail: sub.detail,
            identifier: { type: 'dns', value: sub.name },
          })),
        }),
  };
}
