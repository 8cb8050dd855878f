import { randomUUID } from 'node:crypto';
import {
  type Call,
  type Context,
  type Decision,
  type Plan,
  type Round,
  type Row,
  refusedIdOf,
  type Table,
  type Tx,
  type Violation,
} from '../../src/contract/index.ts';
import { settleKey } from '../../src/engine/idempotency.ts';
import type { RegisteredScenario } from '../../src/engine/registry.ts';
import { paramsOf } from '../fixtures/contend.ts';
import type { OpenEngine } from '../fixtures/engines.ts';
import { auditOf } from '../scenarios/commands.ts';

/** One branch of an audit, by what it says when it is violated. */
export interface Invariant {
  readonly kind: string;
  readonly says: string;
}

/** What an audit can say, read from its SQL: the kind and the text of each branch. */
export function invariantsOf(auditSql: string): Invariant[] {
  const kinds = 'duplicate|lost update|lost acknowledgement|false refusal|inconsistent';
  const branches = auditSql.split(/\bunion all\b/);
  return branches.flatMap(branch => {
    const kind = new RegExp(`'(${kinds})'`).exec(branch)?.[1];
    if (kind === undefined) return []; // a step of a recursion
    const formats = [...branch.matchAll(/format\(\s*'([^']*)'/g)].map(match => match[1] ?? '');
    const plain = new RegExp(`'${kind}',[^']*'([^']*)'`).exec(branch)?.[1] ?? '';
    return (formats.length > 0 ? formats : [plain]).map(says => ({ kind, says }));
  });
}

/** Whether this violation is one of this invariant. */
export function isOf({ kind, says }: Invariant, violation: Violation): boolean {
  const quoted = says.split('%s').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return violation.kind === kind && new RegExp(`^${quoted.join('.*')}$`).test(violation.detail);
}

/** One way to run a rule wrongly on fresh keys; resolves with what the audit says then. */
export type Hazard = (stage: HazardStage) => Promise<readonly Violation[]>;

export interface HazardStage {
  readonly open: OpenEngine;
  readonly scenario: RegisteredScenario;
  readonly variant: string;
}

interface Told {
  readonly commandId: string;
  readonly decision: Decision;
  readonly refusal?: Call['refusal'];
}

/** What a wrong way does beside the rule. */
interface Wrong {
  /** No transaction: every statement commits by itself. */
  readonly autocommit?: boolean;
  /** Runs when the rule has looked and is about to act. */
  readonly beforeActing?: () => Promise<unknown>;
  /** The process dies after the first write. */
  readonly diesAfterWrite?: boolean;
  /** Writes the difference to what was read: nobody's update is lost, and nobody's check holds. */
  readonly relative?: boolean;
  readonly fetch?: Context['fetch'];
  /** The command that it runs as: a new one unless said. */
  readonly commandId?: string;
  /** Answers under this key without having asked whether it was used before. */
  readonly underKey?: string;
}

class Died extends Error {}

const roundOf = async ({ open, scenario }: HazardStage, rivals: number, chance: number) => {
  const plan = { rounds: 1, rivals, doubleTapShare: 0, random: () => chance };
  const [round] = await scenario.registered.load(plan, open.store.query);
  if (!round) throw new Error('the load made no round');
  return round;
};

const planOf = (
  { open, scenario, variant }: HazardStage,
  call: Call | undefined,
): Promise<Plan> => {
  if (!call) throw new Error('the round has too few calls');
  const { registered } = scenario;
  const input = { params: paramsOf(registered.path, call.path), body: call.body };
  return registered.prepare(variant, input, open.store.query);
};

const audited = ({ open, scenario }: HazardStage, round: Round, told: readonly Told[]) => {
  const { exhaustedReasons } = scenario.registered;
  const refusedKeys = told.flatMap(({ decision, refusal }) => {
    if (!('refused' in decision)) return [];
    const mine = { key: round.key, reason: decision.refused };
    const ids = [
      refusedIdOf({ ...mine, refusal }, exhaustedReasons),
      refusedIdOf(mine, exhaustedReasons),
    ];
    return ids.flatMap(id => id ?? []);
  });
  const acknowledged = told.flatMap(({ commandId, decision }) =>
    'accepted' in decision ? [[round.key, commandId] as const] : [],
  );
  return auditOf(open, scenario, [round.key], { acknowledged, refusedKeys });
};

/** Runs one command without any protection. Undefined where it dies. */
async function run(
  stage: HazardStage,
  call: Call | undefined,
  wrong: Wrong = {},
): Promise<Told | undefined> {
  const plan = await planOf(stage, call);
  const { commandId = randomUUID(), underKey } = wrong;
  const lost = new AbortController().signal;
  const transaction = await begin(stage, wrong.autocommit ?? false);
  const context = { commandId, lost, fetch: wrong.fetch ?? fetch };
  try {
    const decision = await plan.run('steps', wrongly(transaction.tx, wrong), context);
    const answer = { decision, auditKey: plan.auditKey, commandId, attempts: 1 };
    if (underKey) await settleKey(transaction.aside, { key: underKey, fingerprint: '' }, answer);
    await transaction.commit();
    return { commandId, decision, refusal: call?.refusal };
  } catch (error) {
    await transaction.rollback();
    if (error instanceof Died) return undefined;
    throw error;
  }
}

const begin = ({ open }: HazardStage, autocommit: boolean) =>
  open.store.begin({
    isolation: 'read committed',
    guard: [],
    first: [],
    keys: [],
    autocommit,
    isLost: () => false,
    deadlineMs: performance.now() + 10_000,
  });

function wrongly(tx: Tx, { beforeActing, diesAfterWrite, relative }: Wrong): Tx {
  let acts = false;
  const act = async (): Promise<void> => {
    if (!acts) await beforeActing?.();
    acts = true;
  };
  return {
    check: look => tx.check(look),
    read: (table, id) => tx.read(table, id),
    readAny: (table, where) => tx.readAny(table, where),
    claim: (table, id) => tx.claim(table, id),
    query: (statement, values) => tx.query(statement, values),
    async touch(table, row) {
      await act();
      await tx.touch(table, row);
    },
    async write(table, row, patch) {
      await act();
      if (relative) await addDifference(tx, table, row, patch);
      else await tx.write(table, row, patch);
      if (diesAfterWrite) throw new Died();
    },
  };
}

async function addDifference<R extends Row>(tx: Tx, table: Table<R>, row: R, patch: Partial<R>) {
  for (const [column, after] of Object.entries(patch)) {
    const before: unknown = Reflect.get(row, column);
    if (typeof after !== 'number' || typeof before !== 'number') return tx.write(table, row, patch);
    const text = `update ${table.name} set ${column} = ${column} + $2 where id = $1`;
    await tx.query({ text, row }, [row.id, after - before]);
  }
}

/** A rival does the same from its look to its COMMIT between our look and our act. */
const overtaken =
  (byWhom: 'a rival' | 'a double tap', rivals: number, chance: number, wrong: Wrong = {}): Hazard =>
  async stage => {
    const round = await roundOf(stage, rivals, chance);
    const [call, next] = round.calls;
    const told: (Told | undefined)[] = [];
    const rival = byWhom === 'a rival' ? next : call;
    const beforeActing = async () =>
      told.push(await run(stage, rival, { ...wrong, diesAfterWrite: false }));
    told.push(await run(stage, call, { ...wrong, beforeActing }));
    return audited(
      stage,
      round,
      told.filter(one => one !== undefined),
    );
  };

/** Dies between two statements that were not in one transaction. */
const diesBetween: Hazard = async stage => {
  const round = await roundOf(stage, 2, 0.9);
  await run(stage, round.calls[0], { autocommit: true, diesAfterWrite: true });
  return audited(stage, round, []);
};

/** Everybody is answered before COMMIT, and COMMIT does not come. */
const answersBeforeCommit: Hazard = async stage => {
  const round = await roundOf(stage, 3, 0.9);
  const told: Told[] = [];
  const transaction = await begin(stage, false);
  const lost = new AbortController().signal;
  for (const call of [...round.calls, ...round.calls]) {
    const plan = await planOf(stage, call);
    const commandId = randomUUID();
    const context = { commandId, lost, fetch };
    const decision = await plan.run('steps', transaction.tx, context);
    told.push({ commandId, decision, refusal: call.refusal });
  }
  await transaction.rollback();
  return audited(stage, round, told);
};

/** Rolls back when all is done, and says that nothing happened. */
const deniesWhatItDid: Hazard = async stage => {
  const { open, scenario } = stage;
  const round = await roundOf(stage, 2, 0.9);
  const plan = await planOf(stage, round.calls[0]);
  const commandId = randomUUID();
  const transaction = await begin(stage, false);
  const lost = new AbortController().signal;
  await plan.run('steps', transaction.tx, { commandId, lost, fetch });
  await transaction.rollback();
  return auditOf(open, scenario, [], { acknowledged: [[round.key, commandId]] });
};

/** Takes whatever answers for the word of the one who was asked. */
const believesAnyAnswer: Hazard = async stage => {
  const round = await roundOf(stage, 2, 0.9);
  const answer = async () => Response.json({ id: '0' });
  const told = await run(stage, round.calls[0], { fetch: answer });
  return audited(stage, round, told ? [told] : []);
};

/** COMMIT arrives, its reply does not, and the same command runs again, with room for both. */
const retriesBlindly: Hazard = async stage => {
  const round = await roundOf(stage, 3, 0.1);
  const as = { commandId: randomUUID() };
  const told = [await run(stage, round.calls[0], as), await run(stage, round.calls[0], as)];
  return audited(
    stage,
    round,
    told.flatMap(one => one ?? []),
  );
};

/** Two commands end under one idempotency key, with room for both. */
const forgetsTheKey: Hazard = async stage => {
  const round = await roundOf(stage, 3, 0.1);
  const as = { underKey: randomUUID() };
  const told = [await run(stage, round.calls[0], as), await run(stage, round.calls[0], as)];
  return audited(
    stage,
    round,
    told.flatMap(one => one ?? []),
  );
};

export const hazards: Readonly<Record<string, Hazard>> = {
  'overtaken by a rival': overtaken('a rival', 3, 0.9),
  'overtaken by a rival, where there is room for two': overtaken('a rival', 3, 0.1),
  'overtaken by a double tap': overtaken('a double tap', 3, 0.9),
  'overtaken while it subtracts from whatever is there': overtaken('a rival', 2, 0.9, {
    relative: true,
  }),
  'overtaken, then dies between two statements': overtaken('a rival', 3, 0.9, {
    autocommit: true,
    diesAfterWrite: true,
  }),
  'dies between two statements': diesBetween,
  'answers before COMMIT': answersBeforeCommit,
  'believes any answer': believesAnyAnswer,
  'denies what it did': deniesWhatItDid,
  'loses the reply to COMMIT and retries blindly': retriesBlindly,
  'forgets that the idempotency key was used': forgetsTheKey,
};
