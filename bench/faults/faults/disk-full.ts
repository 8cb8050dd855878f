import type { Fault } from '../fault.ts';
import { smallDiskNeed } from '../needs.ts';
import { openSmallDisk, type SmallDisk } from '../small-disk.ts';
import type { Lab } from '../stage.ts';

const disks = new WeakMap<Lab, SmallDisk>();

/** Reads succeed, and so does COMMIT, whose log is on another disk; what needs a page more is refused. */
export default {
  title: 'The disk with the tables of Postgres is full (ENOSPC, 53100)',
  strikes: 'postgres',
  events: [],
  harm: 'outage',
  control: 'no protection',
  phases: ['holding', 'commit sent', 'written'],
  needs: [smallDiskNeed],
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => leaseMs,
  async surroundings(lab) {
    const disk = await openSmallDisk(lab);
    disks.set(lab, disk);
    return disk;
  },
  async inject({ lab }) {
    await disks.get(lab)?.fill();
  },
  async heal({ lab }) {
    await disks.get(lab)?.ease();
  },
} satisfies Fault;
