/** Compares a cell with its prediction, and with what the fault did to its control. Pure. */
import { counted } from '../page/format.ts';
import type { FaultCell, FaultsRun } from './schema.ts';

export const verdicts = [
  'as predicted',
  'contradicts',
  /** A hazard that this fault did not expose, while it did expose another. */
  'not provoked',
  'inconclusive',
  'not offered',
  'skipped',
] as const;

export interface FaultVerdict {
  readonly verdict: (typeof verdicts)[number];
  readonly because: string;
}

type Struck = Pick<FaultsRun, 'faults' | 'cells' | 'times'>;

/** The name of a cell in a run. */
export function cellName({
  fault,
  phase,
  strategy,
}: Pick<FaultCell, 'fault' | 'phase' | 'strategy'>) {
  return `${fault}, ${phase}, ${strategy}`;
}

/** Violations that the audit found, lost acknowledgements apart, and commands that were done twice. */
export function violationsOf({ audit, judged }: FaultCell): number {
  const others = audit?.violations.filter(({ kind }) => kind !== 'lost acknowledgement') ?? [];
  return others.length + (judged?.unexplained ?? 0) + (judged?.twice ?? 0);
}

/** Acknowledged effects that are gone, by the record and by the audit. */
export function lostOf({ audit, judged }: FaultCell): number {
  const audited = audit?.violations.filter(({ kind }) => kind === 'lost acknowledgement') ?? [];
  return Math.max(judged?.lost.length ?? 0, audited.length);
}

/** How much of a lease a lock that is given up at once may be seen to last. */
const atOnceShare = 0.4;
/** What polling, a busy machine and the lease's own grace may add to it. */
const leaseGraceMs = 2_000;

export function verdictOf(run: Struck, cell: FaultCell): FaultVerdict {
  const open = notStruck(cell) ?? tooLittle(cell);
  if (open) return open;
  const broken = brokenBy(run, cell);
  if (broken !== undefined) return is('contradicts', broken);
  const { control, claimed } = cell;
  const bitten = controlsFor(run, cell).some(one => isBitten(run, one));
  if (control || claimed.verdict === 'unsafe') {
    // a payment that nobody recorded is harm, whatever the fault itself is there to do
    const violated = claimed.verdict === 'unsafe' && violationsOf(cell) > 0;
    if (isHarmed(run, cell) || violated) return is('as predicted', `harmed: ${harmText(cell)}`);
    return is(
      bitten ? 'not provoked' : 'inconclusive',
      'it was predicted to be harmed, and was not',
    );
  }
  if (!bitten)
    return is('inconclusive', 'the fault harmed no control in this run, so this proves nothing');
  if (cell.outage === 'expected' && !isHarmed(run, cell))
    return is('inconclusive', 'writers were to stand still, and went on');
  if (factsIn(run, cell)?.forgets && lostOf(cell) === 0)
    return is('inconclusive', 'the store was to forget, and nothing acknowledged was lost');
  const claim = claimed.verdict === 'no claim' ? `no claim (${claimed.because})` : claimed.because;
  return is('as predicted', `${claim}; ${harmText(cell)}${unprovoked(run, cell)}`);
}

/** Those of its fault, in its phase if any was struck in that. */
function controlsFor(run: Struck, { fault, phase }: FaultCell): readonly FaultCell[] {
  const all = run.cells.filter(one => one.fault === fault && one.control);
  const here = all.filter(one => one.phase === phase && one.state === 'struck');
  return here.length > 0 ? here : all;
}

/** Whether it is a control to which the fault was seen to do its harm. */
export function isBitten(run: Struck, cell: FaultCell): boolean {
  return cell.control && isHarmed(run, cell) && tooLittle(cell) === undefined;
}

/** Whether the audit found a violation by a control of a fault. */
export function controlsViolated({ cells }: Pick<Struck, 'cells'>, fault: string): boolean {
  return cells.some(one => one.fault === fault && one.control && violationsOf(one) > 0);
}

/** An outage harms by standing still: that nobody violates anything under it may prove nothing. */
function unprovoked(run: Struck, cell: FaultCell): string {
  const bare = harmOf(run, cell) === 'outage' && !controlsViolated(run, cell.fault);
  return bare && violationsOf(cell) === 0 ? ' (no control violated)' : '';
}

function notStruck({ state, because }: FaultCell): FaultVerdict | undefined {
  if (state === 'not offered' || state === 'skipped') return is(state, because);
  return state === 'struck' ? undefined : is('inconclusive', because);
}

function tooLittle(cell: FaultCell): FaultVerdict | undefined {
  const { marks, judged, audit, wire, outage } = cell;
  if (!marks || !judged || !audit) return is('inconclusive', 'it was not judged');
  if (!audit.settled)
    return is('inconclusive', 'transactions were still open when the audit had to start');
  if (!wire.some(line => provesPhase(cell, line)))
    return is('inconclusive', 'the wire does not show the command in its phase');
  if (outage !== null && judged.gapMs.before === null)
    return is('inconclusive', 'too few were served before the fault to tell how long is longer');
  return undefined;
}

/** Whether a message shows the command in its phase. Who waits is not held: its request is the proof. */
export function provesPhase(
  { phase }: Pick<FaultCell, 'phase'>,
  { held, side, purpose }: FaultCell['wire'][number],
): boolean {
  const asks = side === 'request' && ['lock', 'deciding'].includes(purpose);
  return held || (phase === 'waiting' && asks);
}

/** What a cell shows that its prediction excludes. */
function brokenBy(run: Struck, cell: FaultCell): string | undefined {
  const { claimed, judged, leftBehind } = cell;
  const { times } = run;
  const lost = lostOf(cell);
  const meant = cell.control && harmOf(run, cell) === 'lost acknowledgement';
  if (lost > 0 && !meant && !factsIn(run, cell)?.forgets)
    return `lost: ${counted(lost, 'acknowledged effect')}`;
  if (claimed.verdict === 'safe' && violationsOf(cell) > 0)
    return `claimed safe (${claimed.because}), and there ${violationsOf(cell) === 1 ? 'is' : 'are'} ${counted(violationsOf(cell), 'violation')}`;
  // who waits has done nothing yet
  if (judged && judged.forNobody > 0 && cell.phase === 'waiting' && !cell.control)
    return `${counted(judged.forNobody, 'command')} took effect though the caller had left`;
  if (!judged || leftBehind === 'for good') return undefined;
  if (cell.outage === 'none' && stoodStill(judged))
    return `writers were to go on, and nobody was served for ${Math.round(judged.gapMs.others)} ms`;
  if (judged.stuck) return 'when every lease had passed, nobody could get the key';
  if (judged.reconnectMs === null && !cell.control)
    return 'the struck process decided nothing after the healing';
  const { takeOverMs } = judged;
  if (leftBehind === null) return undefined;
  if (takeOverMs === null) return 'nobody else was served on the key';
  const atOnceMs = times.leaseMs * atOnceShare;
  if (leftBehind === 'not at all' && takeOverMs > atOnceMs)
    return `its lock ends with its holder, and the key was locked for ${Math.round(takeOverMs)} ms`;
  if (leftBehind === 'until the lease has passed') {
    if (takeOverMs < atOnceMs)
      return `a lease outlives its holder, and the key was free after ${Math.round(takeOverMs)} ms`;
    if (takeOverMs > times.leaseMs + leaseGraceMs)
      return `the lease had passed, and the key was locked for ${Math.round(takeOverMs)} ms`;
  }
  return undefined;
}

/** Whether the fault did to a cell what it is there for. */
export function isHarmed(run: Pick<Struck, 'faults' | 'times'>, cell: FaultCell): boolean {
  const { judged } = cell;
  if (cell.state !== 'struck' || !judged) return false;
  switch (harmOf(run, cell)) {
    case 'violation':
      return violationsOf(cell) > 0;
    case 'lost acknowledgement':
      return lostOf(cell) > 0;
    case 'lock left behind':
      return judged.stuck;
    case 'outage':
      return stoodStill(judged);
    case 'work for nobody':
      return judged.forNobody > 0;
    default:
      return false;
  }
}

const factsIn = ({ faults }: Pick<Struck, 'faults'>, { fault }: FaultCell) =>
  faults.find(({ name }) => name === fault);

const harmOf = (run: Pick<Struck, 'faults'>, cell: FaultCell) => factsIn(run, cell)?.harm;

/** How much longer than before the fault nobody is served, in an outage; and at least. */
const outageTimes = 5;
const outageLeastMs = 500;

/** How long writers on other keys were not served; undefined where they were, as before the fault. */
export function standstillMs({ judged }: Pick<FaultCell, 'judged'>): number | undefined {
  return judged && stoodStill(judged) ? judged.gapMs.others : undefined;
}

function stoodStill({ gapMs }: NonNullable<FaultCell['judged']>): boolean {
  if (gapMs.before === null) return false;
  return gapMs.others > Math.max(outageLeastMs, outageTimes * gapMs.before);
}

function harmText(cell: FaultCell): string {
  const { judged } = cell;
  const violations = violationsOf(cell);
  const parts = [
    violations > 0 ? counted(violations, 'violation') : '',
    lostOf(cell) > 0 ? `${counted(lostOf(cell), 'acknowledged effect')} lost` : '',
    judged?.stuck ? 'the key stays locked' : '',
    judged?.forNobody ? `${counted(judged.forNobody, 'command')} done for nobody` : '',
  ].filter(text => text !== '');
  return parts.length > 0 ? parts.join(', ') : 'no violation';
}

function is(verdict: FaultVerdict['verdict'], because: string): FaultVerdict {
  return { verdict, because };
}
