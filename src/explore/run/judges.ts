import { sqlStatements } from '../wire/sql-split.ts';
import type { ActorEnd } from './actor.ts';
import type { PostgresControl } from './postgres-control.ts';
import type { WorldServers } from './servers.ts';
import type { Subject } from './subject.ts';
import { asPart, Unjudged } from './unjudged.ts';
import { within } from './within.ts';

/** Judging an execution ends within this, or in no verdict. */
const judgeMs = 30_000;

/** What the audit and the check find. Throws Unjudged where one of them fails itself. */
export async function judged(
  subject: Subject,
  ends: readonly (ActorEnd | undefined)[],
  postgres: PostgresControl,
  servers: WorldServers,
): Promise<string[]> {
  const audit = await asPart('audit', () => auditOf(subject, ends));
  const rows = await asPart('audit', () => postgres.audit(audit));
  const told = await asPart('check', () => {
    const checked = Promise.resolve(subject.check?.(ends, servers) ?? []);
    return within(judgeMs, '`check`', checked);
  });
  return [...rows.map(row => JSON.stringify(row)), ...told];
}

/** A mistake in the audit shows before anything is explored. Throws Unjudged. */
export async function tryAudit(subject: Subject, postgres: PostgresControl): Promise<void> {
  const audit = await asPart('audit', () => auditOf(subject, []));
  if (sqlStatements(audit).length === 0) {
    throw new Unjudged(
      'the audit is empty: expected SQL that returns the rows that should not exist',
    );
  }
  await postgres.query('begin read only'); // an audit that writes would judge what it has changed
  try {
    await postgres.audit(audit);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const advice = message.includes('multiple commands') ? '; write one statement' : '';
    throw new Unjudged(`the audit cannot run: ${message}${advice}`, { cause: error });
  } finally {
    await postgres.query('rollback');
  }
}

function auditOf({ audit }: Subject, ends: readonly (ActorEnd | undefined)[]): string {
  return typeof audit === 'string' ? audit : audit(ends);
}
