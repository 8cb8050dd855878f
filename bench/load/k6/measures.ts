/** What is measured beside k6's own metrics. Only the load counts, never the warm-up. */
import { Counter, Gauge, Trend } from 'k6/metrics';

export const counters = {
  accepted: new Counter('accepted'),
  refused: new Counter('refused'),
  busy: new Counter('busy'),
  failed: new Counter('failed'),
  /** No answer, or one that says that it may have happened. */
  unknown: new Counter('unknown'),
  /** Commands that ended with an answer that is none of `unknown`. */
  answered: new Counter('answered'),
  /** Of all commands that were answered. */
  attempts: new Counter('attempts'),
  /** Of accepted commands. */
  attempts_accepted: new Counter('attempts_accepted'),
  /** Answers that no command can have, and answers of another strategy. */
  wrong_answers: new Counter('wrong_answers'),
  /** Virtual users whose acknowledgements were held against the rows. */
  callers_audited: new Counter('callers_audited'),
  acknowledgements_audited: new Counter('acknowledgements_audited'),
  keys_audited: new Counter('keys_audited'),
  /** Keys whose rows are wrong. */
  keys_violated: new Counter('keys_violated'),
  /** Audits that began while transactions were still open. */
  unsettled_audits: new Counter('unsettled_audits'),
  duplicates: new Counter('duplicates'),
  lost_updates: new Counter('lost_updates'),
  lost_acknowledgements: new Counter('lost_acknowledgements'),
  false_refusals: new Counter('false_refusals'),
  inconsistencies: new Counter('inconsistencies'),
  /** Keys that several commands of the load went to; those that got one more after the audit. */
  keys_contested: new Counter('keys_contested'),
  keys_asked: new Counter('keys_asked'),
  /** Of these: still busy when every lease had passed, and neither served nor busy. */
  keys_stuck: new Counter('keys_stuck'),
  keys_unanswered: new Counter('keys_unanswered'),
  /** Callers that were accepted or refused, and the sums of their rates: for Jain's index. */
  fairness_callers: new Counter('fairness_callers'),
  fairness_sum: new Counter('fairness_sum'),
  fairness_squares: new Counter('fairness_squares'),
};

export type CounterName = keyof typeof counters;

export const trends = {
  accepted_ms: new Trend('accepted_ms', true),
  refused_ms: new Trend('refused_ms', true),
  /** Whatever the answer. */
  answered_ms: new Trend('answered_ms', true),
  /** From the start of the load: the largest is how long it took. */
  answered_at_ms: new Trend('answered_at_ms', true),
  /** On keys that nobody else wants: before the load, and beside it. */
  bystander_quiet_ms: new Trend('bystander_quiet_ms', true),
  bystander_beside_load_ms: new Trend('bystander_beside_load_ms', true),
};

export type TrendName = keyof typeof trends;

/** When the load began, in milliseconds since 1970: for whoever measures the service meanwhile. */
export const loadStartedAt = new Gauge('load_started_at_ms');

/** Gives every counter a sample: k6 passes a threshold over a metric that has none. */
export function countFromZero(): void {
  for (const counter of Object.values(counters)) counter.add(0);
}
