/** `npm run dev:gate`: how often the gate of a rollout errs, and how soon it sees what is there. */
import type { Command } from 'commander';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { whole } from '../lab/option-values.ts';
import { randomOf } from '../lab/random.ts';
import { pointsOf } from '../lab/statistics.ts';
import { type ArmTruth, boundMissed, simulate, type Traffic } from '../rollout/gate-simulation.ts';
import type { CliCommand } from './command.ts';

const table = {
  runs: whole('--runs <n>', 'runs of each kind', [1, 1_000_000], 2_000),
  seed: whole('--seed <n>', 'for the random numbers', [0, 999_999_999], 1),
};

function form(): Command {
  return commandOf('dev-gate', 'Simulates the gate of a rollout.', table);
}

const usual: ArmTruth = { medianMs: 5, busy: 0.05, failed: 0.001 };
const halves = { old: 100, new: 100 };
const equal: Traffic = { old: usual, new: usual, looks: 50, perLook: halves, spread: 0.5 };
const few = { old: 990, new: 10 };

const alarms: readonly (readonly [what: string, traffic: Traffic])[] = [
  ['two equal arms, 100 and 100 commands a look', equal],
  ['two equal arms, 990 and 10 commands a look', { ...equal, perLook: few }],
];

const delays: readonly (readonly [what: string, traffic: Traffic])[] = [
  ['20 % slower', { ...equal, looks: 1_000, new: { ...usual, medianMs: 6 } }],
  [
    '20 % slower, 1 % of the keys',
    { ...equal, looks: 1_000, perLook: few, new: { ...usual, medianMs: 6 } },
  ],
  ['20 % more busy (6 % for 5 %)', { ...equal, looks: 1_000, new: { ...usual, busy: 0.06 } }],
];

export const command: CliCommand = {
  form,
  async run({ argv, write }) {
    const { runs, seed } = readTable(form(), table, argv);
    const percent = (of: number): string => `${((100 * of) / runs).toFixed(1)} %`;
    let wrong = false;
    for (const share of [0.2, 0.05, 0.01, 0.002]) {
      const random = randomOf(seed, `bound ${share}`);
      let missed = 0;
      for (let run = 0; run < runs; run += 1) if (boundMissed(share, 5_000, random)) missed += 1;
      wrong ||= missed / runs > 0.065;
      write(
        `bound, ${100 * share} % of contested keys break: too low at some look in ${percent(missed)}\n`,
      );
    }
    for (const [what, traffic] of alarms) {
      const random = randomOf(seed, what);
      const called = Array.from({ length: runs }, () => simulate(traffic, random));
      const gate = called.filter(({ gate }) => gate !== undefined).length;
      const naive = called.filter(({ naive }) => naive !== undefined).length;
      wrong ||= gate / runs > 0.065;
      write(
        `${what}, 50 looks: false alarms ${percent(gate)}; by a test at 5 % at each look ${percent(naive)}\n`,
      );
    }
    for (const [what, traffic] of delays) {
      const random = randomOf(seed, what);
      const looks = Array.from(
        { length: runs },
        () => simulate(traffic, random).gate ?? traffic.looks,
      );
      const seen = looks.filter(look => look < traffic.looks).length;
      const points = pointsOf(looks);
      const commands = (look: number): number => look * traffic.perLook.new;
      if (points)
        write(
          `${what}: seen in ${percent(seen)}, after ${commands(points.p50)} commands of the new arm in half ` +
            `of the runs, ${commands(points.p95)} in 95 %\n`,
        );
    }
    return wrong ? exitCodes.claimBroken : exitCodes.asClaimed;
  },
};
