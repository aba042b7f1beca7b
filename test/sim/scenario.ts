/** Who writes to whom, and how the world behaves: the scenario that is crashed at every call. */
import type { ClientPlan } from './client.ts';
import type { DomainPlan } from './hops.ts';
import type { People } from './people.ts';
import type { WorldPlan } from './world.ts';

/** Three hops, one of them without DSN and behind a dead one, one that puts off and loses connections. */
export const domains: readonly DomainPlan[] = [
  {
    name: 'example.net',
    dns: 'mx',
    hosts: [{ name: 'home.example.net', address: '198.51.100.1', preference: 10 }],
  },
  {
    name: 'alpha.example',
    dns: 'mx',
    hosts: [{ name: 'mx.alpha.example', address: '198.51.100.2', preference: 10, dsn: true, starttls: true }],
  },
  {
    name: 'beta.example',
    dns: 'mx',
    hosts: [
      { name: 'mx1.beta.example', address: '198.51.100.3', preference: 10, upFrom: Number.MAX_SAFE_INTEGER },
      { name: 'mx2.beta.example', address: '198.51.100.4', preference: 20, dsn: false, pipelining: false },
    ],
  },
  {
    name: 'gamma.example',
    dns: 'address',
    hosts: [
      {
        name: 'gamma.example',
        address: '198.51.100.5',
        preference: 0,
        slow: 40,
        mishaps: [
          { stage: 'rcpt', act: 'defer', times: 1 },
          { stage: 'end', act: 'defer', times: 1 },
          { stage: 'content', act: 'reset', times: 1 },
        ],
      },
    ],
  },
];

/** Mail of a holder, of a peer without certificate, and of one with a certificate of nobody we know. */
export function baseClients(people: People): readonly ClientPlan[] {
  const alice = 'alice@example.net';
  return [
    {
      name: 'alice',
      address: '192.0.2.7',
      role: 'submission',
      tls: people.alice.tls,
      tries: 4,
      messages: [
        { at: 0, reversePath: alice, recipients: [{ local: 'a', domain: 'alpha.example' }], size: 500 },
        {
          at: 0,
          reversePath: alice,
          recipients: [
            { local: 'a', domain: 'alpha.example' },
            { local: 'b', domain: 'beta.example' },
            { local: 'c', domain: 'gamma.example' },
          ],
          size: 900,
          body: '8BITMIME',
        },
        { at: 0, reversePath: alice, recipients: [{ local: 'big', domain: 'alpha.example' }], size: 70_000 },
        {
          at: 0,
          reversePath: alice,
          recipients: [
            { local: 'nobody', domain: 'alpha.example' },
            { local: 'a', domain: 'alpha.example' },
          ],
          size: 300,
        },
        {
          at: 0,
          reversePath: alice,
          recipients: [{ local: 'told', domain: 'beta.example', notify: ['success', 'failure'] }],
          size: 300,
          ret: 'HDRS',
          envid: 'first+1',
        },
        {
          at: 0,
          reversePath: alice,
          recipients: [
            { local: 'told', domain: 'alpha.example', notify: ['success'] },
            { local: 'nobody', domain: 'beta.example', notify: 'never' },
          ],
          size: 300,
        },
        {
          at: 0,
          reversePath: alice,
          recipients: [
            { local: 'c1', domain: 'gamma.example' },
            { local: 'c2', domain: 'gamma.example' },
            { local: 'c3', domain: 'gamma.example' },
            { local: 'c4', domain: 'gamma.example' },
          ],
          size: 4_000,
        },
        {
          at: 0,
          reversePath: alice,
          recipients: [{ local: 'a', domain: 'alpha.example' }],
          size: 6_000,
          breaks: 'before-reply',
        },
        {
          at: 0,
          reversePath: alice,
          recipients: [{ local: 'a', domain: 'alpha.example' }],
          size: 9_000,
          breaks: 'in-content',
        },
        { at: 3_000, reversePath: alice, recipients: [{ local: 'x', domain: 'gone.example' }], size: 200 },
      ],
    },
    {
      name: 'plain',
      address: '192.0.2.8',
      role: 'relay',
      tls: people.nobody,
      tries: 4,
      messages: [
        { at: 0, reversePath: 'x@example.com', recipients: [{ local: 'bob', domain: 'example.net' }], size: 400 },
        {
          at: 1_000,
          reversePath: '',
          recipients: [
            { local: 'nobody', domain: 'example.net' },
            { local: 'dave', domain: 'example.net' },
          ],
          size: 400,
        },
        { at: 1_000, reversePath: 'x@example.com', recipients: [{ local: 'a', domain: 'alpha.example' }], size: 400 },
        {
          at: 2_000,
          reversePath: alice,
          recipients: [
            { local: 'erin', domain: 'example.net' },
            { local: 'a', domain: 'beta.example' },
          ],
          size: 12_000,
        },
        { at: 3_000, reversePath: 'x@example.com', recipients: [{ local: 'bob', domain: 'example.net' }], size: 400 },
      ],
    },
    {
      name: 'foreign',
      address: '192.0.2.9',
      role: 'relay',
      tls: people.foreign,
      tries: 4,
      messages: [
        { at: 0, reversePath: 'x@example.com', recipients: [{ local: 'a', domain: 'alpha.example' }], size: 400 },
        { at: 0, reversePath: alice, recipients: [{ local: 'frank', domain: 'example.net' }], size: 400 },
        {
          at: 500,
          reversePath: alice,
          recipients: [
            { local: 'nobody', domain: 'example.net' },
            { local: 'grace', domain: 'example.net' },
          ],
          size: 20_000,
        },
        { at: 2_500, reversePath: alice, recipients: [{ local: 'heidi', domain: 'example.net' }], size: 400 },
      ],
    },
  ];
}

export function basePlan(people: People): WorldPlan {
  return {
    seed: 1,
    clients: baseClients(people),
    domains,
    actions: [{ at: 125, kind: 'restart' }],
  };
}
