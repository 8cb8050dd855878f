/** A safe verdict needs a control: no protection, observed to fail in the same round and bound. Pure. */

import { controlRound } from './rounds.ts';
import type { ExploredCell } from './schema.ts';
import type { CellSpec } from './spec.ts';

/** The controls of the cells that are not among the cells themselves. Each stops at its first failure. */
export function controlSpecs(specs: readonly CellSpec[], control: string): CellSpec[] {
  const known = new Set(specs.map(nameOf));
  const found = new Map<string, CellSpec>();
  for (const spec of specs) {
    const own = controlOf(spec, control);
    if (!known.has(nameOf(own))) found.set(nameOf(own), { ...own, firstOnly: true });
  }
  return [...found.values()];
}

/** Adds the result of the control to each cell that holds somewhere. `controls` may contain other cells. */
export function besideControl(
  cells: readonly ExploredCell[],
  controls: readonly ExploredCell[],
  control: string,
): ExploredCell[] {
  const known = new Map(controls.map(cell => [nameOf(cell), cell]));
  return cells.map(cell => {
    if (!cell.parts.some(part => part.violating === 0)) return cell;
    const found = known.get(nameOf(controlOf(cell, control)));
    return { ...cell, control: { seen: found?.outcome === 'unsafe', why: whyOf(found, control) } };
  });
}

type CellKey = Pick<CellSpec, 'scenario' | 'variant' | 'round' | 'strategies'>;

function controlOf({ scenario, variant, round, strategies }: CellKey, control: string): CellKey {
  return {
    scenario,
    variant,
    round: controlRound(round),
    strategies: strategies.map(() => control),
  };
}

function nameOf({ scenario, variant, round, strategies }: CellKey): string {
  return [scenario, variant, round, ...strategies].join(' ');
}

function whyOf(found: ExploredCell | undefined, control: string): string {
  if (found === undefined) return `the control ${control} was not explored`;
  const { outcome, orders } = found;
  if (outcome === 'unsafe') return `the control ${control} failed, as it must`;
  return `the control ${control} did not fail: ${outcome}, ${orders} orders`;
}
