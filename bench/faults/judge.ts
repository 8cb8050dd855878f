/** Compares the own record of a cell with what the database holds. Pure. */
import { leftDetail, type Operation, type Told, toldIn } from './history.ts';
import type { Judged, Marks, Strip } from './schema.ts';

/** A committed effect, by the command that wrote it. */
export interface Effect {
  readonly key: string;
  readonly commandId: string;
}

export interface Struck {
  readonly key: string;
  /** The process of the service that was struck. */
  readonly service: number;
  /** Its caller takes silence for a yes. */
  readonly believes?: boolean;
}

/**
 * `effects`: every effect on the keys of the record. An effect without a known command belongs to one
 * whose end is unknown, as far as there are such commands on its key.
 */
export function judged(
  history: readonly Operation[],
  effects: readonly Effect[],
  struck: Struck,
  marks: Marks,
): Judged {
  const all = toldIn(history);
  const after = all.filter(({ answer }) => answer && answer.atMs >= marks.injectedMs);
  const has = (one: Effect): boolean => there.has(`${one.key} ${one.commandId}`);
  const there = new Set(effects.map(one => `${one.key} ${one.commandId}`));
  const acknowledged = all.flatMap(told => {
    const { answer, key } = told;
    return answer?.outcome === 'accepted' ? [{ key, commandId: answer.commandId }] : [];
  });
  const later = decisionsOnKey(all, struck, marks.injectedMs);
  const probes = later.filter(({ role }) => role === 'probe');
  const { believed, ...ends } = resolved(all, effects, struck);
  return {
    answers: countsOf(after),
    acknowledged: acknowledged.length,
    lost: [...acknowledged.filter(one => !has(one)), ...believed],
    ...ends,
    detectMs: since(
      marks.injectedMs,
      firstAt(after, ({ answer }) => answer?.type !== 'ok'),
    ),
    takeOverMs: since(
      marks.injectedMs,
      firstAt(later, () => true),
    ),
    reconnectMs: since(marks.healedMs, reconnectedAt(all, struck, marks)),
    gapMs: gaps(all, struck, marks),
    firstAcceptedMs: since(
      marks.healedMs,
      firstAt(
        later,
        ({ answer }) => answer?.outcome === 'accepted' && answer.atMs >= marks.healedMs,
      ),
    ),
    stuck: probes.length === 0,
  };
}

/** By how the caller is told: busy is contention, unavailable is not. */
function countsOf(told: readonly Told[]): Judged['answers'] {
  const count = (is: (answer: NonNullable<Told['answer']>) => boolean): number =>
    told.filter(({ answer }) => answer && is(answer)).length;
  return {
    accepted: count(({ outcome }) => outcome === 'accepted'),
    refused: count(({ outcome }) => outcome === 'refused'),
    busy: count(({ outcome }) => outcome === 'busy'),
    unavailable: count(({ type, outcome }) => type === 'fail' && outcome !== 'busy'),
    unknown: count(({ type }) => type === 'info'),
  };
}

/** How commands with an unknown end turned out, and which effects nobody can have made. */
function resolved(all: readonly Told[], effects: readonly Effect[], struck: Struck) {
  const known = new Map<string, Set<string>>();
  const open = new Map<string, { named: string[]; nameless: number }>();
  // who asked again and was told knows how the command ended
  const told = all.some(({ role, answer }) => role === 'again' && answer?.type === 'ok');
  for (const { key, role, answer } of all) {
    const accepted = answer?.outcome === 'accepted';
    if (accepted) known.set(key, (known.get(key) ?? new Set()).add(answer.commandId));
    if (answer && answer.type !== 'info') continue;
    if (told && role === 'struck') continue;
    const on = open.get(key) ?? { named: [], nameless: 0 };
    if (answer?.commandId) on.named.push(answer.commandId);
    else on.nameless += 1;
    open.set(key, on);
  }
  let [tookEffect, unknowns, unexplained, onStruckKey] = [0, 0, 0, 0];
  const keys = new Set([...open.keys(), ...effects.map(({ key }) => key)]);
  for (const key of keys) {
    const { named, nameless } = open.get(key) ?? { named: [], nameless: 0 };
    const mine = effects.filter(one => one.key === key).map(({ commandId }) => commandId);
    const strange = new Set(mine.filter(id => !known.get(key)?.has(id)));
    const done = named.filter(id => strange.delete(id)).length;
    const guessed = Math.min(strange.size, nameless);
    tookEffect += done + guessed;
    unknowns += named.length + nameless;
    unexplained += strange.size - guessed;
    if (key === struck.key) onStruckKey = done + guessed;
  }
  const unknown = { tookEffect, hadNone: unknowns - tookEffect };
  return { unknown, unexplained, ...ofStruck(all, onStruckKey, struck) };
}

/** What became of the struck command, where `tookEffect` of those without an answer on its key did. */
function ofStruck(all: readonly Told[], tookEffect: number, { key, believes }: Struck) {
  const mine = all.filter(({ role }) => role === 'struck');
  const left = mine.filter(({ answer }) => answer?.detail === leftDetail).length;
  const silent = mine.some(({ answer }) => answer?.type !== 'ok' && answer?.type !== 'fail');
  const repeated = all.some(
    ({ role, answer }) => role === 'repeat' && answer?.outcome === 'accepted',
  );
  return {
    forNobody: Math.min(left, tookEffect),
    twice: repeated ? Math.min(1, tookEffect) : 0,
    believed: believes && silent && tookEffect === 0 ? [{ key, commandId: '' }] : [],
  };
}

/** Decisions on the struck key after the fault, by others than the struck command. */
function decisionsOnKey(all: readonly Told[], { key }: Struck, injectedMs: number): Told[] {
  return all.filter(
    told =>
      told.key === key &&
      told.role !== 'struck' &&
      told.role !== 'holder' &&
      told.answer?.type === 'ok' &&
      told.answer.atMs >= injectedMs,
  );
}

function reconnectedAt(all: readonly Told[], { service }: Struck, { healedMs }: Marks) {
  return firstAt(
    all,
    told => told.service === service && told.sentMs >= healedMs && told.answer?.type === 'ok',
  );
}

/** Whether a struck command had its answer, so that the fault came too late for it. */
export function wasAnsweredBefore(history: readonly Operation[], injectedMs: number): boolean {
  return toldIn(history).some(
    ({ role, answer }) => role === 'struck' && answer && answer.atMs < injectedMs,
  );
}

function gaps(all: readonly Told[], { service }: Struck, marks: Marks): Judged['gapMs'] {
  const accepted = (is: (told: Told) => boolean): number[] =>
    all
      .filter(told => told.role === 'bystander' && told.answer?.outcome === 'accepted' && is(told))
      .map(({ answer }) => answer?.atMs ?? 0)
      .sort((a, b) => a - b);
  const { injectedMs, endedMs } = marks;
  const earlier = accepted(() => true).filter(atMs => atMs < injectedMs);
  const [first] = earlier;
  return {
    before:
      first === undefined || earlier.length < 2 ? null : longestGap(earlier, first, injectedMs),
    others: longestGap(
      accepted(told => told.service !== service),
      injectedMs,
      endedMs,
    ),
    struckProcess: longestGap(
      accepted(told => told.service === service),
      injectedMs,
      endedMs,
    ),
  };
}

/** The longest time without one of these, from one time to another. */
function longestGap(times: readonly number[], fromMs: number, untilMs: number): number {
  const within = times.filter(time => time >= fromMs && time <= untilMs);
  const edges = [fromMs, ...within, untilMs];
  const each = edges.slice(1).map((time, index) => time - (edges[index] ?? time));
  return rounded(Math.max(0, ...each));
}

function firstAt(all: readonly Told[], is: (told: Told) => boolean): number | undefined {
  const times = all.filter(is).map(({ answer }) => answer?.atMs ?? Number.POSITIVE_INFINITY);
  return times.length > 0 ? Math.min(...times) : undefined;
}

const since = (fromMs: number, atMs: number | undefined): number | null =>
  atMs === undefined ? null : rounded(atMs - fromMs);

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

const sliceMs = 100;
const slicesMax = 1_000;

/** What other keys saw, slice by slice, from the beginning of the cell. */
export function stripOf(history: readonly Operation[], { endedMs }: Marks): Strip {
  const slices = Math.min(slicesMax, Math.ceil(endedMs / sliceMs));
  const strip: Strip = {
    sliceMs,
    accepted: Array.from({ length: slices }, () => 0),
    failed: Array.from({ length: slices }, () => 0),
    slowestMs: Array.from({ length: slices }, () => 0),
  };
  for (const { role, answer, sentMs } of toldIn(history)) {
    const at = Math.floor((answer?.atMs ?? -1) / sliceMs);
    if (role !== 'bystander' || !answer || at < 0 || at >= slices) continue;
    const counts = answer.type === 'ok' ? strip.accepted : strip.failed;
    counts[at] = (counts[at] ?? 0) + 1;
    strip.slowestMs[at] = Math.max(strip.slowestMs[at] ?? 0, rounded(answer.atMs - sentMs));
  }
  return strip;
}
