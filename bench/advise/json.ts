/** The advice as data, for a script. Pure. */
import type { Advice } from './advise.ts';
import { columnName, commandFor } from './evidence.ts';
import type { Judged } from './judge.ts';
import { changeText, firstLines, nameOf, placeText } from './words.ts';

/** What `--json` prints. */
export function adviceData(advice: Advice) {
  const { given, judgement, take, changes, sources } = advice;
  return {
    answers: given.answers,
    assumed: given.assumed,
    lines: firstLines(advice),
    take: take ? nameOf(take) : null,
    place: judgement.place,
    admissible: judgement.admissible.map(({ strategy, rank, shared, price, support }) => ({
      strategy: strategy.name,
      rank: rank ?? null,
      shared,
      expectedMs: price?.expected ?? null,
      aloneMs: price?.alone ?? null,
      contestedMs: price?.contested ?? null,
      keyPerSecond: price?.keyPerSecond ?? null,
      cells: support.map(({ id, value }) => ({ cell: id, value })),
    })),
    excluded: judgement.excluded.map(one => ({
      strategy: nameOf(one),
      against: one.against.map(({ cell, question }) => ({
        ...{ cell: cell.id, value: cell.value, because: cell.because, question },
        repeat: cell.replay,
      })),
    })),
    unknown: judgement.unknown.map(one => ({ strategy: nameOf(one), missing: missingOf(one) })),
    changes: changes.map(change => ({
      ...{ question: change.question, to: change.answers[change.question] },
      ...{
        take: change.take ?? null,
        cheaper: change.cheaper ?? null,
        admits: change.admits,
        drops: change.drops,
      },
      text: changeText(change),
    })),
    sources,
  };
}

function missingOf({ strategy, missing }: Judged) {
  return missing.map(({ column, cell, question }) => ({
    cell: cell ? placeText(cell) : columnName(column),
    value: cell?.value ?? null,
    question,
    fill: commandFor(strategy.name, column),
  }));
}
