import type { ExecutionRecord } from '../run/record.ts';
import { type Likeness, likeness, unshared } from './compare.ts';
import { answerOf, effectsOf, type Fact, isCut, type Outcome } from './facts.ts';
import type { AddedRow, Difference, Judgement, Masked } from './finding.ts';
import { type MaskedFact, Masks } from './masks.ts';
import { subsets } from './permutations.ts';
import { SerialOutcomes, type SerialWorld } from './serial-outcomes.ts';
import { differencesText, shownFact } from './shown.ts';
import { type NotDone, notDoneAmong } from './told-not-done.ts';

/** A caller whose answer no serial order gives, and that may count as not run. */
interface Odd {
  readonly actor: number;
  readonly notDone: NotDone | undefined;
}

/**
 * Judges orders without being told what is right: an order is wrong when what its callers were told,
 * together with what it left at the servers, is what no serial order leads to.
 */
export class SerialOracle {
  readonly #names: readonly string[];
  readonly #refusals: readonly (string | RegExp)[];
  readonly #serial: SerialOutcomes;

  constructor(
    world: SerialWorld,
    names: readonly string[],
    { ignore = [], refusals = [] }: Pick<Judging, 'ignore' | 'refusals'>,
  ) {
    this.#names = names;
    this.#refusals = refusals;
    this.#serial = new SerialOutcomes(world, names, new Masks(world.generated, ignore));
  }

  /** Runs every serial order at least twice. Rejects with NotRepeatable where that shows nothing. */
  async learn(): Promise<void> {
    await this.#serial.of(this.#names.map((_, actor) => actor));
  }

  /** What each serial order of everybody tells the callers, in short. */
  get told(): readonly (readonly string[])[] {
    return this.#serial.told;
  }

  get masked(): readonly Masked[] {
    return this.#serial.masks.list;
  }

  /** What this order came to. May run callers one after the other, from the start. */
  async judge(record: ExecutionRecord): Promise<Judgement> {
    const { end, unquiet, left } = record;
    if (end.kind === 'stuck') return plainly('never ends', end.why);
    if (end.kind !== 'ended') return plainly('not judged', 'why' in end ? end.why : end.kind);
    if (unquiet.length > 0) return plainly('not judged', unquiet.join('; '));
    if (left === undefined) return plainly('not judged', 'what it left was not looked at');
    if (left.beyond.length > 0) return plainly('not judged', left.beyond.join('; '));
    const answers = this.#names.map((name, actor) => answerOf(name, record.ends[actor]));
    if (answers.some(isCut)) return plainly('not judged', 'an answer is too long to be compared');
    await this.#serial.of(this.#names.map((_, actor) => actor));
    const outcome = { effects: effectsOf(left, this.#serial.startKeys), answers };
    const found = await this.#compared(outcome, record);
    if (found !== 'inside masks') return found;
    const later = (await this.#serial.learnLater()) ? await this.#compared(outcome, record) : found;
    return later === 'inside masks' ? this.#insideMasks() : later;
  }

  async #compared(outcome: Outcome, record: ExecutionRecord): Promise<Judgement | 'inside masks'> {
    const everybody = this.#names.map((_, actor) => actor);
    const odd = this.#oddOnes(outcome, record);
    const whole = await this.#liken(outcome, everybody, 'with answers');
    if (whole === 'equal') return equals();
    const without = await this.#without(outcome, odd);
    if (typeof without !== 'string') return without;
    if (whole === 'inside masks' || without === 'inside masks') return 'inside masks';
    return (await this.#onlyAnswers(outcome, odd)) ?? (await this.#differs(outcome, odd));
  }

  /** Without some that were told that nothing was done, it is a serial order of the rest. */
  async #without(outcome: Outcome, odd: readonly Odd[]): Promise<Judgement | Likeness> {
    const free = odd.filter(one => one.notDone !== undefined);
    const mayHaveRun = free.filter(one => one.notDone === 'unknown').map(({ actor }) => actor);
    let best: Likeness = 'unlike';
    for (const out of subsets(free.map(({ actor }) => actor))) {
      const rest = this.#names.map((_, at) => at).filter(at => !out.includes(at));
      for (const callers of [rest, ...backIn(rest, out, mayHaveRun)]) {
        const found = await this.#liken(outcome, callers, 'with answers', out);
        if (found === 'equal') return this.#refused(out, free);
        if (found === 'inside masks') best = found;
      }
    }
    return best;
  }

  #refused(out: readonly number[], free: readonly Odd[]): Judgement {
    const retry = free.filter(one => out.includes(one.actor) && one.notDone === 'retry');
    if (retry.length === 0) return equals();
    const who = retry.map(({ actor }) => this.#names[actor]).join(' and ');
    return plainly(
      'only an error that asks for a retry',
      `${who} failed with an error of Postgres that asks for another try, and nothing of it is left`,
    );
  }

  /** The rows are those of a serial order, of all or without those that were told something odd. */
  async #onlyAnswers(outcome: Outcome, odd: readonly Odd[]): Promise<Judgement | undefined> {
    const certain = odd.filter(one => one.notDone === 'told' || one.notDone === 'retry');
    const open = odd.filter(one => !certain.includes(one)).map(({ actor }) => actor);
    const out = certain.map(({ actor }) => actor);
    for (const more of [[], ...subsets(open)]) {
      const gone = [...out, ...more];
      const callers = this.#names.map((_, at) => at).filter(at => !gone.includes(at));
      if ((await this.#liken(outcome, callers, 'effects alone')) !== 'equal') continue;
      const { list, order } = await this.#differences(outcome, callers, 'with answers', []);
      const told = list.filter(({ what }) => what === 'extra');
      const why = `what is left is right, but no serial order tells its callers this: ${differencesText(told)}`;
      return { kind: 'only answers differ', why, nearest: order, differences: list, added: [] };
    }
    return undefined;
  }

  async #differs(outcome: Outcome, odd: readonly Odd[]): Promise<Judgement | 'inside masks'> {
    const everybody = this.#names.map((_, actor) => actor);
    const certain = odd.filter(one => one.notDone !== undefined && one.notDone !== 'unknown');
    const out = certain.map(({ actor }) => actor);
    const rest = everybody.filter(actor => !out.includes(actor));
    const served = await this.#liken(outcome, everybody, 'effects alone');
    if (out.length > 0 && served === 'equal') {
      const who = out.map(actor => this.#names[actor]).join(' and ');
      const { list, order } = await this.#differences(outcome, rest, 'effects alone', out);
      const why = `${who} was told that nothing was done, and what it wanted is there`;
      const added = addedRows(outcome);
      return { kind: 'effects differ', why, nearest: order, differences: list, added };
    }
    const against = out.length > 0 && rest.length > 0 ? rest : everybody;
    if ((await this.#liken(outcome, against, 'effects alone')) === 'inside masks')
      return 'inside masks';
    const { list, order } = await this.#differences(outcome, against, 'effects alone', out);
    const why = `no serial order leaves this: ${differencesText(list)}`;
    const added = addedRows(outcome);
    return { kind: 'effects differ', why, nearest: order, differences: list, added };
  }

  #insideMasks(): Judgement {
    const masked = this.masked.map(({ place }) => place).join(', ');
    const where =
      masked === '' ? 'in times close to now' : `in times close to now or inside ${masked}`;
    return plainly('not judged', `it differs from every serial order only ${where}`);
  }

  /** The best likeness with any serial order of these callers. */
  async #liken(
    outcome: Outcome,
    callers: readonly number[],
    what: 'with answers' | 'effects alone',
    silent: readonly number[] = [],
  ): Promise<Likeness> {
    const own = this.#apart(outcome, what, silent);
    let best: Likeness = 'unlike';
    for (const { outcome: serial } of await this.#serial.of(callers)) {
      const found = likeness(own, this.#apart(serial, what, silent));
      if (found === 'equal') return 'equal';
      if (found === 'inside masks') best = found;
    }
    return best;
  }

  /** By the serial order of these callers that has the most in common. */
  async #differences(
    outcome: Outcome,
    callers: readonly number[],
    what: 'with answers' | 'effects alone',
    silent: readonly number[],
  ): Promise<{ readonly list: readonly Difference[]; readonly order: readonly string[] }> {
    const own = this.#apart(outcome, what, silent);
    let best: { list: Difference[]; order: readonly string[] } | undefined;
    for (const { order, outcome: serial } of await this.#serial.of(callers)) {
      const { extra, missing } = unshared(own, this.#apart(serial, what, silent));
      const list = [...extra.map(shownFact('extra')), ...missing.map(shownFact('missing'))];
      if (best === undefined || list.length < best.list.length)
        best = { list, order: order.map(actor => this.#names[actor] ?? '') };
    }
    return best ?? { list: [], order: [] };
  }

  #apart(
    { effects, answers }: Outcome,
    what: 'with answers' | 'effects alone',
    silent: readonly number[],
  ): readonly MaskedFact[] {
    const told: readonly Fact[] =
      what === 'effects alone' ? [] : answers.filter((_, actor) => !silent.includes(actor));
    return this.#serial.masks.apart([...effects, ...told]);
  }

  /** Callers that were told what no serial order tells them, masked values aside. */
  #oddOnes(outcome: Outcome, record: ExecutionRecord): Odd[] {
    return this.#serial.toldIn(outcome).flatMap((answer, actor) => {
      if (this.#serial.tells(actor, answer)) return [];
      const said = notDoneAmong(actor, record.ends[actor], record.lines, this.#refusals);
      return [{ actor, notDone: said }];
    });
  }
}

/** What the oracle needs of a subject. */
export interface Judging {
  readonly ignore?: readonly string[];
  readonly refusals?: readonly (string | RegExp)[];
}

function equals(): Judgement {
  return plainly('equals a serial order', 'it equals a serial order');
}

function plainly(kind: Judgement['kind'], why: string): Judgement {
  return { kind, why, nearest: [], differences: [], added: [] };
}

const addedMax = 50;

function addedRows({ effects }: Outcome): readonly AddedRow[] {
  const rows = effects.filter(({ sort, gone }) => sort === 'row' && !gone).slice(0, addedMax);
  return rows.map(({ place, cells }) => ({
    table: place,
    values: Object.fromEntries(cells.map(({ column, value }) => [column, value])),
  }));
}

/** The rest together with some of those that may have run all the same. */
function backIn(
  rest: readonly number[],
  out: readonly number[],
  mayHaveRun: readonly number[],
): readonly (readonly number[])[] {
  const may = out.filter(actor => mayHaveRun.includes(actor));
  return subsets(may).map(some => [...rest, ...some].sort((a, b) => a - b));
}
