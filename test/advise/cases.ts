/**
 * Operations that people told of, as answers: the four accounts behind the scenarios, and public
 * discussions. In our own words; where each was told stands beside it.
 */
import type { Answers } from '../../bench/advise/questions.ts';

export interface Told {
  readonly answers: Partial<Answers>;
  /** What they took, or what the discussion ended with: admissible. */
  readonly cures: readonly string[];
  /** What the first place may go to; where several are near each other, a measurement decides. */
  readonly takes?: readonly string[];
  /** Who waits for Postgres less often than every other admissible strategy, one command alone. */
  readonly fewestTrips?: string;
  /** What they had, considered or were told, and the cell or fact that speaks against it. */
  readonly against: Readonly<Record<string, string>>;
  /** What too little is known of, and the column that is missing. */
  readonly unknown?: Readonly<Record<string, string>>;
}

export const incidents: Readonly<Record<string, Told>> = {
  /**
   * Soothe: several therapists accept one request. Several processes; no unique index, since a couple
   * needs two; a lock on the request or its offers would have been a rewrite; no second database to
   * lock the first. They wrote the appointments beforehand and locked those.
   */
  'appointments written beforehand': {
    answers: {
      survive: ['pauses', 'crashes', 'network'],
      shape: 'at-most-n',
      row: 'no',
      constraint: 'no',
      migration: ['rows'],
      redis: 'none',
    },
    cures: ['precreated-slots'],
    takes: ['precreated-slots', 'advisory-transaction', 'table-lock'],
    against: {
      'row-lock': 'rests',
      'version-column': 'rests',
      'unique-slots': 'wording',
      'process-mutex': 'hazard',
      'redis-lease': 'dependency',
      unprotected: 'appointment/plain',
    },
  },
  /** The same, had they thought of numbering the places: the constraint holds a couple's two as well. */
  'numbered appointments': {
    answers: { shape: 'at-most-n', constraint: 'yes' },
    cures: ['unique-slots', 'row-lock'],
    fewestTrips: 'unique-slots',
    takes: ['unique-slots', 'row-lock', 'advisory-transaction', 'table-lock', 'parent-lock-touch'],
    against: { 'repeatable-read': 'appointment/plain', recheck: 'hazard' },
  },
  /**
   * Oxbridge Notes: a run overlaps the next one and pays again. Reading again is not enough, a row lock
   * on the invoice is, against rivals: whatever refuses late has paid by then.
   */
  'payments, against rivals': {
    answers: { shape: 'value-of-a-row', outside: 'bare', survive: [], redis: 'none' },
    cures: ['row-lock'],
    takes: ['row-lock', 'advisory-transaction', 'table-lock', 'row-lock-nowait', 'advisory-try'],
    against: {
      recheck: 'hazard',
      'version-column': 'payout/plain',
      serializable: 'payout/plain',
      'sequelize-version': 'payout/plain',
    },
  },
  /** The better cure: the provider is told which payment it is, and a crash pays no second time. */
  'payments with a key': {
    answers: { shape: 'value-of-a-row', outside: 'keyed', redis: 'none' },
    cures: ['row-lock'],
    takes: [
      'row-lock',
      'advisory-transaction',
      'table-lock',
      'parent-lock-touch',
      'version-column',
    ],
    against: { unprotected: 'payout/idempotency-key', recheck: 'hazard' },
  },
  /** Leigh Halliday: two debits of one gift card. His cure is the row lock in Rails. */
  'a gift card': {
    answers: { shape: 'value-of-a-row' },
    cures: ['row-lock'],
    takes: [
      'row-lock',
      'advisory-transaction',
      'parent-lock-touch',
      'version-column',
      'table-lock',
    ],
    against: { unprotected: 'gift-card/plain', 'atomic-update': 'wording' },
  },
  /** The better one: the whole rule fits into one statement. */
  'a gift card, in one statement': {
    answers: { shape: 'value-of-a-row', statement: 'yes' },
    cures: ['atomic-update', 'row-lock'],
    fewestTrips: 'atomic-update',
    takes: ['atomic-update', 'row-lock', 'advisory-transaction'],
    against: { unprotected: 'gift-card/plain' },
  },
  /** The same post: the next unused coupon, locked as it is chosen. */
  'a coupon': {
    answers: { shape: 'any-free-row' },
    cures: ['row-lock'],
    takes: ['row-lock', 'advisory-transaction', 'parent-lock-touch', 'row-lock-skip-locked'],
    against: { unprotected: 'coupon/plain', recheck: 'hazard' },
  },
  /**
   * Gusto: two admins reverse one payroll. The unique index is the more correct cure, and the migration of
   * a hot table was out of the question: they locked the parent, and touched it.
   */
  'a payroll reversal without a migration': {
    answers: { shape: 'at-most-one', constraint: 'yes', migration: [], redis: 'none' },
    cures: ['row-lock', 'parent-lock-touch'],
    takes: ['row-lock', 'advisory-transaction', 'parent-lock-touch', 'table-lock', 'serializable'],
    against: {
      'unique-slots': 'migration',
      'parent-lock-snapshot': 'payroll-reversal/plain',
      'insert-where': 'payroll-reversal/plain',
    },
  },
  'a payroll reversal once there is time': {
    answers: { shape: 'at-most-one', constraint: 'yes', migration: ['constraint'] },
    cures: ['unique-slots'],
    fewestTrips: 'unique-slots',
    takes: ['unique-slots', 'row-lock', 'advisory-transaction', 'table-lock', 'parent-lock-touch'],
    against: { 'version-column': 'migration' },
  },
};

export const discussions: Readonly<Record<string, Told>> = {
  /**
   * A session lock of the migrations stays on a pooled backend, and every pod waits for it:
   * https://github.com/goauthentik/authentik/issues/23876,
   * https://github.com/pgbouncer/pgbouncer/issues/102
   */
  'a session lock behind a pooler': {
    answers: { shape: 'whole-run', pooler: 'yes', outside: 'no' },
    cures: ['advisory-transaction'],
    takes: ['advisory-transaction', 'row-lock', 'table-lock', 'parent-lock-touch', 'advisory-try'],
    against: { 'advisory-session': 'pooler' },
  },
  /**
   * A failover of Redis to a replica that never got the lock, and two schedulers:
   * https://github.com/sibson/redbeat/issues/163, https://github.com/opsmill/infrahub/issues/9450
   */
  'a lock that a failover loses': {
    answers: { shape: 'value-of-a-row', redis: 'one', survive: ['redis'] },
    cures: ['redis-lease-fenced', 'row-lock'],
    takes: [
      'row-lock',
      'advisory-transaction',
      'parent-lock-touch',
      'version-column',
      'table-lock',
    ],
    against: { 'redis-lease': 'redis-failover', 'redis-lease-fenced-write': 'hazard' },
  },
  /** The same where two runs are only a waste: the lease does what it is there for. */
  'a lock that saves work': {
    answers: { shape: 'value-of-a-row', redis: 'one', survive: ['redis'], duplicate: 'harmless' },
    cures: ['redis-lease', 'row-lock'],
    takes: [
      'row-lock',
      'advisory-transaction',
      'parent-lock-touch',
      'version-column',
      'table-lock',
    ],
    against: { unprotected: 'gift-card/plain' },
  },
  /**
   * Work of ten seconds under a lease of eight: the next one gets in while the first still works.
   * https://github.com/go-redsync/redsync/issues/6
   */
  'work that outlasts its lease': {
    answers: { shape: 'value-of-a-row', redis: 'several', survive: ['pauses'], hold: 10_000 },
    cures: ['redis-lease-fenced', 'row-lock'],
    takes: [
      'row-lock',
      'advisory-transaction',
      'parent-lock-touch',
      'version-column',
      'table-lock',
    ],
    against: { redlock: 'holder-paused', 'redis-lease': 'holder-paused' },
  },
  /**
   * A queue of jobs, taken by `update … where id = (select … limit 1)`: the select chose before the update
   * waited. https://minhle.xyz/blog/postgres-select-for-update-skip-locked-work-queue
   */
  'the next job of a queue': {
    answers: { shape: 'any-free-row', statement: 'yes', survive: ['crashes'] },
    cures: ['atomic-update', 'row-lock', 'row-lock-skip-locked'],
    fewestTrips: 'atomic-update',
    takes: ['atomic-update', 'row-lock', 'advisory-transaction'],
    against: { unprotected: 'coupon/plain' },
  },
  /**
   * A flash sale: the last piece is sold twice, and everybody comes for one row.
   * https://shaileshchaudhari.vercel.app/blog/building-inventory-engine-never-oversells-concurrency,
   * https://preproom.ai/learn/inventory.html
   */
  'the last piece of a sale': {
    answers: { shape: 'value-of-a-row', statement: 'yes', meets: 90, callers: 8, rate: 50 },
    cures: ['atomic-update'],
    fewestTrips: 'atomic-update',
    takes: ['atomic-update', 'row-lock', 'advisory-transaction', 'table-lock'],
    against: { unprotected: 'gift-card/plain', 'process-mutex': 'hazard' },
  },
  /**
   * Fifty at once on one row with a version: most attempts are for nothing, and who gives up after three
   * is not served. https://earezki.com/books/the-lies-your-orm-tells-you/ch9/
   */
  'versions on a hot row': {
    answers: { shape: 'value-of-a-row', retry: 'no', meets: 100, callers: 50 },
    cures: ['row-lock'],
    takes: ['row-lock', 'advisory-transaction', 'table-lock'],
    against: { 'version-column': 'retry', 'sequelize-version': 'retry', serializable: 'retry' },
  },
  /**
   * A webhook that comes twice charges twice: work before the note that it was seen, and a crash between.
   * https://dezentech.com/blog/stripe-idempotency,
   * https://www.darshanturakhia.com/blog/payment-api-double-charge-idempotency
   */
  'a webhook that charges, with a key': {
    answers: {
      shape: 'at-most-one',
      outside: 'keyed',
      constraint: 'yes',
      row: 'no',
      redis: 'none',
    },
    cures: ['advisory-transaction'],
    takes: ['advisory-transaction', 'table-lock', 'serializable', 'advisory-try'],
    against: { 'row-lock': 'rests', unprotected: 'payroll-reversal/plain' },
    unknown: { 'unique-slots': 'payout/idempotency-key' },
  },
  /**
   * Two doctors go off call at once, each counting the other: write skew.
   * https://t7y.github.io/pg_isolation_levels/demos/04-serializable/,
   * https://www.abstractalgorithms.dev/write-skew-database-anomaly
   */
  'two doctors on call': {
    answers: { shape: 'at-most-n', row: 'no' },
    cures: ['serializable'],
    takes: ['serializable', 'advisory-transaction', 'table-lock', 'precreated-slots'],
    against: { 'repeatable-read': 'appointment/plain', 'row-lock': 'rests' },
  },
  /**
   * Overlapping hours: the exclusion constraint refuses them, whatever else was locked.
   * https://aldridgedagos.com/writing/prevent-double-booking-database-constraints/,
   * https://docs.thebookingkit.dev/core-concepts/double-booking-prevention/
   */
  'overlapping bookings, and a lock on the wrong thing': {
    answers: { shape: 'no-overlap', key: 'no', constraint: 'yes' },
    cures: ['exclusion-constraint', 'serializable'],
    fewestTrips: 'exclusion-constraint',
    takes: ['exclusion-constraint', 'serializable', 'table-lock'],
    against: { 'row-lock': 'calendar/wrong-key', 'advisory-transaction': 'calendar/wrong-key' },
  },
  /**
   * get_or_create makes two where the database enforces nothing: there is no row to lock yet.
   * https://github.com/django/django/pull/11017, https://github.com/ormar-orm/ormar/issues/1016,
   * https://github.com/jugglingdb/mysql-adapter/issues/53
   */
  'get or create': {
    answers: { shape: 'at-most-one', row: 'no', constraint: 'yes' },
    cures: ['unique-slots', 'serializable'],
    fewestTrips: 'unique-slots',
    takes: ['unique-slots', 'advisory-transaction', 'table-lock', 'serializable'],
    against: { 'row-lock': 'rests', 'insert-where': 'payroll-reversal/plain' },
  },
  /**
   * A billing job on three pods at midnight, under a Redis key that lives for five minutes:
   * https://webcoderspeed.com/blog/scaling/cron-job-running-twice
   */
  'a job on three pods': {
    answers: { shape: 'whole-run', outside: 'keyed', redis: 'one' },
    cures: ['advisory-transaction', 'row-lock'],
    takes: ['row-lock', 'advisory-transaction', 'table-lock', 'parent-lock-touch', 'advisory-try'],
    against: { 'redis-lease': 'holder-paused', 'process-mutex': 'hazard' },
  },
};
