import type { Strategy } from '../src/contract/index.ts';
import { leaseGuardian } from './lib/lease-guardian.ts';
import { redlock4Leases } from './lib/redlock-4-leases.ts';

/** As `redlock`, by the library's released version. A frozen node slows every turn: it waits for all votes. */
export default {
  title: 'npm redlock 4.2 over several independent Redis nodes, with our own deadline and watchdog',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      open: async (backends, tuning) => leaseGuardian(redlock4Leases(backends), backends, tuning),
    },
  ],
  first: [],
  guard: [],
  lockSpace: 'redlock',
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    newDependency: 'several redis nodes',
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
