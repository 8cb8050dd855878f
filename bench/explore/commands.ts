/** The commands that the callers of one cell send, on fresh rows made by the scenario's own load. */
import type { Call, Input } from '../../src/contract/index.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import type { CellPlan } from './cell.ts';
import type { PlannedCommand } from './engine-caller.ts';

const setupMs = 30_000;

/** Creates the rows with the load, and reads what each command needs beforehand. */
export async function commandsOf(plan: CellPlan, pgUrl: string): Promise<PlannedCommand[]> {
  const { scenario, variant, strategies, round } = plan;
  const traits = scenario.registered.variants[variant];
  if (!traits) throw new Error(`${scenario.name} has no variant '${variant}'`);
  const store = new PostgresStore({ url: pgUrl, connectionsMax: 1, lockTimeoutMs: setupMs });
  try {
    const callers = strategies.length;
    const load = {
      rounds: 1,
      kind: round.kind,
      rivals: (round.doubleTap ? Math.ceil(callers / 2) : callers) + round.absent,
      doubleTapShare: round.doubleTap ? 1 : 0,
      random: () => 0.5,
    };
    const [made] = await store.transact(query => traits.load(load, query));
    const calls = made?.calls.slice(0, callers) ?? [];
    if (calls.length < callers)
      throw new Error(
        `the load of ${scenario.name} made ${calls.length} calls for ${callers} callers`,
      );
    const commands: PlannedCommand[] = [];
    for (const [index, call] of calls.entries()) {
      const strategy = strategies[index];
      if (strategy === undefined) continue;
      const input = inputOf(traits.path, call);
      const prepared = await traits.prepare(input, store.query);
      const commandId = commandIdOf(index + 1);
      const key = { key: `key of ${call.actor}`, fingerprint: JSON.stringify(call.body) };
      const { refusal } = call;
      const own = { scenario, variant, strategy, commandId, input, plan: prepared, refusal };
      commands.push({ ...own, ...(round.sameKey && { idempotency: key }) });
    }
    return commands;
  } finally {
    await store.close();
  }
}

/** The same call again, as another command and without an Idempotency-Key. */
export function againOf(command: PlannedCommand): PlannedCommand {
  const { idempotency: _, ...call } = command;
  return { ...call, commandId: commandIdOf(99) };
}

/** Groups callers that send equal calls under one strategy: their names are interchangeable. */
export function equalCallers(
  names: readonly string[],
  commands: readonly PlannedCommand[],
): string[][] {
  const groups = new Map<string, string[]>();
  for (const [index, { strategy, input, idempotency }] of commands.entries()) {
    const call = JSON.stringify([strategy.name, input, idempotency?.key]);
    groups.set(call, [...(groups.get(call) ?? []), names[index] ?? '']);
  }
  return [...groups.values()];
}

function commandIdOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** A call's parameters, parsed from its path as the service's router does. */
function inputOf(template: string, { path, body }: Call): Input {
  const given = path.split('/');
  const params = template.split('/').flatMap((part, at) => {
    return part.startsWith(':') ? [[part.slice(1), given[at]]] : [];
  });
  return { params: Object.fromEntries(params), body };
}
