/** What the faults have in common by which a process stands still, and comes back. */
import type { Fault } from './fault.ts';

type Parts = Pick<Fault, 'title' | 'inject' | 'heal' | 'lastsMs'> & Pick<Fault, 'leastMs'>;

/** Its lease passes, and it does not know. */
export function stalled(parts: Parts): Fault {
  return {
    strikes: 'process',
    events: ['lease lost'],
    harm: 'violation',
    control: { hazardsUnder: 'lease lost' },
    phases: [
      'commit sent',
      'written',
      'holding',
      'granted',
      'commit applied',
      'releasing',
      'waiting',
    ],
    needs: [],
    ...parts,
  };
}
