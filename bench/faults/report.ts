/** The report of a run of `faults`: the matrix first, then each fault with its proof. Pure. */
import { counted, list, nothing, whole } from '../page/format.ts';
import {
  type Cell,
  type Fact,
  type Fold,
  numbers,
  type Report,
  type Row,
  type Section,
  verdicts as verdictColumn,
  words,
} from '../page/report.ts';
import { firstLines } from './first-lines.ts';
import { phaseTexts } from './phases.ts';
import { legend, markOf, markText } from './report-marks.ts';
import type { FaultCell, FaultsRun } from './schema.ts';
import { stripBlocks } from './strips.ts';
import { type FaultVerdict, lostOf, verdictOf, violationsOf } from './verdict.ts';

type Fault = FaultsRun['faults'][number];

/** The whole report, for a page or as Markdown. */
export function faultsReport(run: FaultsRun): Report {
  const { conditions, startedAt, scenario, variant, times } = run;
  const changed = conditions.changed ? ', with changes' : '';
  const [answer = '', ...lines] = firstLines(run);
  return {
    title: 'What each fault does to each lock',
    answer,
    lines,
    facts: [
      ['on', startedAt.slice(0, 10)],
      ['commit', `${conditions.commit.slice(0, 7)}${changed}`],
      ['scenario', `${scenario}/${variant}`],
      ['lease', `${times.leaseMs} ms`],
      ['wait', `${times.waitMs} ms`],
      ['seed', String(run.seed)],
      ['Postgres', conditions.postgres.version],
      ['Redis', conditions.redis.version],
    ],
    sections: faultsSections(run),
    footer: `Lockstep ${conditions.version}; generated from the raw data of a single run.`,
  };
}

export function faultsSections(run: FaultsRun): readonly Section[] {
  return [
    matrixSection(run),
    lostSection(run),
    ...run.faults.map(fault => faultSection(run, fault)),
    { title: 'Conditions of the faults', blocks: [{ kind: 'facts', facts: conditionFacts(run) }] },
  ];
}

function matrixSection(run: FaultsRun): Section {
  return {
    title: 'Strategy by fault',
    blocks: [
      `${legend} (control) is there to be harmed.`,
      {
        kind: 'table',
        caption: 'Strategy by fault',
        look: 'matrix',
        columns: [
          ...words('Strategy'),
          ...run.faults.map(({ name }) => ({ title: name, kind: 'mark' as const })),
        ],
        rows: run.strategies.map(({ name, hazard }) => ({
          cells: [
            hazard ? `${name} (control)` : name,
            ...run.faults.map(fault => matrixCell(run, fault, name)),
          ],
        })),
      },
    ],
  };
}

function matrixCell(run: FaultsRun, fault: Fault, strategy: string): Cell {
  const cells = run.cells.filter(one => one.fault === fault.name && one.strategy === strategy);
  const all = cells.map(cell => ({ cell, verdict: verdictOf(run, cell) }));
  if (all.length === 0) return { text: '' };
  return {
    text: [...new Set(all.map(({ cell, verdict }) => markText(cell, verdict)))].join(', '),
    hint: all
      .map(({ cell, verdict }) => `${cell.phase}: ${verdict.verdict}, ${verdict.because}`)
      .join('; '),
    target: foldId(fault.name, strategy, cells[0]?.phase ?? ''),
  };
}

/** Acknowledged effects that are gone: 0 wherever it is claimed. */
function lostSection(run: FaultsRun): Section {
  const struck = run.cells.filter(({ judged, control }) => judged && !control);
  const acknowledged = struck.reduce((sum, cell) => sum + (cell.judged?.acknowledged ?? 0), 0);
  const lost = struck.reduce((sum, cell) => sum + lostOf(cell), 0);
  return {
    title: 'Acknowledged effects lost',
    link: 'Lost',
    blocks: [
      `${whole(lost)} of ${whole(acknowledged)} acknowledged effects are gone, over ${counted(struck.length, 'cell')}.`,
    ],
  };
}

function faultSection(run: FaultsRun, fault: Fault): Section {
  const cells = run.cells.filter(one => one.fault === fault.name);
  return {
    title: fault.name,
    blocks: [
      `${fault.title}. It brings about: ${list(fault.events) || 'nothing that voids a claim'}; its harm: ` +
        `${fault.harm}.`,
      {
        kind: 'table',
        caption: fault.title,
        columns: [
          ...words('Strategy', 'Struck while'),
          verdictColumn('Verdict'),
          ...numbers('Violations', 'Lost', 'Unknown: took effect, had none', 'Busy', 'Unavailable'),
          ...numbers('Detect, ms', 'Key taken over, ms', 'Reconnect, ms', 'First accepted, ms'),
          ...numbers('Longest gap elsewhere, ms', 'at the struck process, ms'),
        ],
        rows: cells.map(cell => rowOf(run, cell)),
      },
      ...stripBlocks(cells),
    ],
  };
}

function rowOf(run: FaultsRun, cell: FaultCell): Row {
  const verdict = verdictOf(run, cell);
  const name = cell.control ? `${cell.strategy} (control)` : cell.strategy;
  return {
    cells: [name, cell.phase, `${markOf(cell, verdict)} ${verdict.verdict}`, ...figuresOf(cell)],
    broken: verdict.verdict === 'contradicts',
    more: foldOf(cell, verdict),
  };
}

/** The figures of a cell, in the order of the columns. */
export function figuresOf(cell: FaultCell): string[] {
  const { judged } = cell;
  if (!judged) return Array.from({ length: 11 }, () => nothing);
  const { answers, unknown, gapMs } = judged;
  return [
    whole(violationsOf(cell)),
    whole(lostOf(cell)),
    `${unknown.tookEffect}, ${unknown.hadNone}`,
    whole(answers.busy),
    whole(answers.unavailable),
    time(judged.detectMs),
    time(judged.takeOverMs),
    time(judged.reconnectMs),
    time(judged.firstAcceptedMs),
    time(gapMs.others),
    time(gapMs.struckProcess),
  ];
}

const time = (ms: number | null): string => (ms === null ? nothing : whole(Math.round(ms)));

const foldId = (fault: string, strategy: string, phase: string): string =>
  `${fault}-${strategy}-${phase}`.replaceAll(/[^a-z0-9-]/g, '-');

/** Claim, reason and the record of the wire. */
function foldOf(cell: FaultCell, { verdict, because }: FaultVerdict): Fold {
  const { claimed, marks, audit, leftBehind, wire } = cell;
  const violations = audit?.violations.slice(0, 10).map(one => `${one.kind}: ${one.detail}`) ?? [];
  const lines = wire.map(
    line =>
      `${line.atMs.toFixed(1).padStart(9)} ${line.held ? 'HELD' : '    '} ${line.connection.padEnd(12)} ` +
      `${line.side === 'request' ? '→' : '←'} ${line.purpose === 'other' ? '' : `[${line.purpose}] `}${line.text}`,
  );
  const facts: Fact[] = [
    ['verdict', `${verdict}: ${because}`],
    ['claimed', `${claimed.verdict}: ${claimed.because}`],
    ...(leftBehind ? ([['its lock outlives it', leftBehind]] as const) : []),
    ['struck while', phaseTexts[cell.phase]],
    ...(cell.ready ? ([['/readyz meanwhile', cell.ready]] as const) : []),
    ...(marks
      ? ([
          [
            'times',
            `held at ${Math.round(marks.heldMs)} ms, struck, healed at ${Math.round(marks.healedMs)} ms`,
          ],
        ] as const)
      : []),
  ];
  return {
    kind: 'fold',
    id: foldId(cell.fault, cell.strategy, cell.phase),
    summary: 'claim, proof and findings',
    blocks: [
      { kind: 'facts', facts },
      ...(violations.length > 0 ? [{ kind: 'list', items: violations } as const] : []),
      ...(lines.length > 0 ? [{ kind: 'preformatted', text: lines.join('\n') } as const] : []),
    ],
  };
}

function conditionFacts({ conditions, command, startedAt, seconds, times }: FaultsRun): Fact[] {
  const { machine, postgres, redis, redisNodes } = conditions;
  return [
    ['started', `${startedAt}, ${whole(Math.round(seconds))} s`],
    ['command', command],
    ['machine', `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB`],
    ['Postgres', `${postgres.version} (${postgres.origin})`],
    ['Redis', `${redis.version} (${redis.origin}); ${counted(redisNodes.length, 'further node')}`],
    ['service', `2 processes, leases of ${times.leaseMs} ms, waits of ${times.waitMs} ms`],
  ];
}
