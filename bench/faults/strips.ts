/** Throughput and latency on other keys, before, during and after a fault. Pure. */
import type { Block } from '../page/report.ts';
import type { Strip } from '../page/strips.ts';
import type { FaultCell } from './schema.ts';

/** One strip below the other, on a clock that begins when the fault strikes; nothing if none was seen. */
export function stripBlocks(cells: readonly FaultCell[]): Block[] {
  const strips = cells.flatMap(cell => stripOf(cell) ?? []);
  const [first] = strips;
  if (!first) return [];
  return [
    {
      kind: 'note',
      text:
        `Other keys, before, during and after the fault, in steps of ${first.sliceMs} ms. Upwards: commands that ` +
        'were decided; downwards: commands that were not done; dashed: the slowest answer. The fault lasts as long as ' +
        'the ground is coloured.',
    },
    { kind: 'strips', strips: { event: 'struck', strips } },
  ];
}

function stripOf({ strip, marks, strategy, control }: FaultCell): Strip | undefined {
  if (!strip || !marks) return undefined;
  const { sliceMs, accepted, failed, slowestMs } = strip;
  return {
    name: control ? `${strategy} (control)` : strategy,
    fromMs: -marks.injectedMs,
    sliceMs,
    done: accepted,
    failed,
    slowestMs,
    untilMs: marks.healedMs - marks.injectedMs,
  };
}
