import { judgesSerially } from '../run/leftovers.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Stage, Subject } from '../run/stage.ts';
import type { Judgement, Masked } from './finding.ts';
import { SerialOracle } from './oracle.ts';

/** Judges each order of an exploration beside the serial ones. */
export class SerialJudge {
  readonly #oracle: SerialOracle;

  private constructor(oracle: SerialOracle) {
    this.#oracle = oracle;
  }

  /**
   * Runs the serial orders; undefined where the subject is judged by its audit alone. Rejects with
   * NotRepeatable where two runs of one serial order differ in more than values.
   */
  static async open(stage: Stage, subject: Subject): Promise<SerialJudge | undefined> {
    if (!judgesSerially(subject)) return undefined;
    const oracle = new SerialOracle(
      {
        get generated() {
          return stage.leftovers.generated;
        },
        get startKeys() {
          return stage.leftovers.startKeys;
        },
        get fills() {
          return stage.fills;
        },
        runSerially: (order, shift) => stage.inTurn.run(order, shift),
      },
      Object.keys(subject.actors),
      subject,
    );
    await oracle.learn();
    return new SerialJudge(oracle);
  }

  get told(): readonly (readonly string[])[] {
    return this.#oracle.told;
  }

  get masked(): readonly Masked[] {
    return this.#oracle.masked;
  }

  /** The same order, judged: what differs is a violation. */
  async judged({ left, ...record }: ExecutionRecord): Promise<ExecutionRecord> {
    if (record.end.kind === 'abandoned' || record.end.kind === 'late') return record;
    const judgement = await this.#oracle.judge({ ...record, ...(left && { left }) });
    const found = violationOf(judgement);
    const violations = found === undefined ? record.violations : [...record.violations, found];
    return { ...record, violations, judgement };
  }
}

/** An order that never ends is a finding of its own; what asks for a retry is no wrong effect. */
function violationOf({ kind, why }: Judgement): string | undefined {
  if (kind === 'effects differ') return `effects differ from every serial order: ${why}`;
  return kind === 'only answers differ' ? `only answers differ: ${why}` : undefined;
}
