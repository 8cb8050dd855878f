import { describe, expect, test } from 'vitest';
import { historyOf, historyText, leftDetail, toldIn } from '../../../bench/faults/history.ts';
import { type Effect, judged, stripOf, wasAnsweredBefore } from '../../../bench/faults/judge.ts';
import { historyFrom, type Sent } from './history.ts';

const marks = { heldMs: 1_000, injectedMs: 1_000, healedMs: 3_000, endedMs: 5_000 };
const struck = { key: '7', service: 0 };

/** Held at 1000, struck; a rival is served at 2500, the record ends at 5000. */
const course: readonly Sent[] = [
  { role: 'bystander', answer: 'accepted', sentMs: 100, atMs: 110, key: '8', commandId: 'b1' },
  { role: 'bystander', answer: 'accepted', sentMs: 900, atMs: 910, key: '9', commandId: 'b2' },
  { role: 'struck', answer: 'unknown', sentMs: 950, atMs: 1_200, service: 0 },
  { role: 'rival', answer: 'busy', sentMs: 1_100, atMs: 2_400, commandId: 'r1' },
  { role: 'rival', answer: 'accepted', sentMs: 1_100, atMs: 2_500, commandId: 'r2' },
  { role: 'probe', answer: 'accepted', sentMs: 3_100, atMs: 3_200, service: 0, commandId: 'p1' },
  { role: 'bystander', answer: 'accepted', sentMs: 4_000, atMs: 4_010, key: '10', commandId: 'b3' },
];
const effects: readonly Effect[] = [
  { key: '8', commandId: 'b1' },
  { key: '9', commandId: 'b2' },
  { key: '7', commandId: 'r2' },
  { key: '7', commandId: 'p1' },
  { key: '10', commandId: 'b3' },
];
const judge = (commands = course, there: readonly Effect[] = effects) =>
  judged(historyFrom(commands), there, struck, marks);

describe('the judge of a recorded history', () => {
  test('counts what was answered after the fault, and times it', () => {
    expect(judge()).toEqual({
      answers: { accepted: 3, refused: 0, busy: 1, unavailable: 0, unknown: 1 },
      acknowledged: 5,
      lost: [],
      unknown: { tookEffect: 0, hadNone: 1 },
      unexplained: 0,
      forNobody: 0,
      twice: 0,
      detectMs: 200,
      takeOverMs: 1_500,
      reconnectMs: 200,
      gapMs: { before: 800, others: 3_010, struckProcess: 4_000 },
      firstAcceptedMs: 200,
      stuck: false,
    });
  });

  test.each(effects.map(({ commandId }) => commandId))(
    'misses the effect of %s where it was acknowledged and is gone',
    commandId => {
      const { lost } = judge(
        course,
        effects.filter(one => one.commandId !== commandId),
      );
      expect(lost.map(one => one.commandId)).toEqual([commandId]);
    },
  );

  test('has no baseline where fewer than two were accepted before the fault', () => {
    const baseline = (count: number) =>
      judge(course.filter(({ role }, index) => role !== 'bystander' || index < count)).gapMs.before;
    expect([baseline(0), baseline(1), baseline(2)]).toEqual([null, null, 800]);
  });

  test('sees who had an answer before the fault struck', () => {
    const at = (atMs: number, answer: Sent['answer'] = 'unknown') =>
      wasAnsweredBefore(
        historyFrom(course.map(one => (one.role === 'struck' ? { ...one, answer, atMs } : one))),
        marks.injectedMs,
      );
    expect([at(999), at(1_200), at(999, 'none')]).toEqual([true, false, false]);
  });

  test('an effect on another key does not stand for the acknowledged one', () => {
    const moved = effects.map(one => (one.commandId === 'r2' ? { ...one, key: '8' } : one));
    expect(judge(course, moved)).toMatchObject({
      lost: [{ key: '7', commandId: 'r2' }],
      unexplained: 1,
    });
  });

  test('an unknown end resolves to its effect, named or not', () => {
    const there = [...effects, { key: '7', commandId: 'nobody was told' }];
    expect(judge(course, there)).toMatchObject({
      unknown: { tookEffect: 1, hadNone: 0 },
      unexplained: 0,
    });
    const named = course.map(one => (one.role === 'struck' ? { ...one, commandId: 's' } : one));
    expect(judge(named, there)).toMatchObject({
      unknown: { tookEffect: 0, hadNone: 1 },
      unexplained: 1,
    });
    expect(judge(named, [...effects, { key: '7', commandId: 's' }])).toMatchObject({
      unknown: { tookEffect: 1, hadNone: 0 },
      unexplained: 0,
    });
  });

  test('one unknown end explains one effect, and an effect of a denied command is explained by none', () => {
    const there = [
      ...effects,
      { key: '7', commandId: 'r1' },
      { key: '7', commandId: 'nobody was told' },
    ];
    expect(judge(course, there).unexplained).toBe(1);
    expect(judge(course, [...effects, { key: '8', commandId: 'x' }]).unexplained).toBe(1);
  });

  test('a command without an answer is as unknown as one that says so', () => {
    const silent = course.map(one =>
      one.role === 'struck' ? { ...one, answer: 'none' as const } : one,
    );
    expect(judge(silent).unknown).toEqual({ tookEffect: 0, hadNone: 1 });
  });

  test('a key that no probe gets is stuck, whatever others got before', () => {
    const locked = course.map(one =>
      one.role === 'probe' ? { ...one, answer: 'busy' as const } : one,
    );
    expect(judge(locked)).toMatchObject({ stuck: true, firstAcceptedMs: null, reconnectMs: null });
  });

  test('the struck command itself takes nothing over', () => {
    const alone = course.filter(({ role }) => role === 'struck' || role === 'bystander');
    const late = alone.map(one => ({ ...one, answer: 'accepted' as const, commandId: 'x' }));
    expect(judge(late).takeOverMs).toBeNull();
  });

  test('an effect whose caller had left is work for nobody, and one that nobody left is not', () => {
    const nobody = [...effects, { key: '7', commandId: 'nobody was told' }];
    const left = course.map(one => (one.role === 'struck' ? { ...one, detail: leftDetail } : one));
    expect(judge(left, nobody)).toMatchObject({ forNobody: 1, unexplained: 0 });
    expect(judge(left)).toMatchObject({ forNobody: 0 });
    expect(judge(course, nobody)).toMatchObject({ forNobody: 0 });
  });

  test('who asks again with the key learns the end; who repeats without it does it twice', () => {
    const more = { answer: 'accepted', sentMs: 3_300, atMs: 3_310, commandId: 'a' } as const;
    const again = [...course, { ...more, role: 'again' as const }];
    const once = [...effects, { key: '7', commandId: 'a' }];
    const both = [...once, { key: '7', commandId: 'the first' }];
    expect(judge(again, once)).toMatchObject({
      unknown: { tookEffect: 0, hadNone: 0 },
      unexplained: 0,
      twice: 0,
      lost: [],
    });
    expect(judge(again, both)).toMatchObject({ unexplained: 1 });
    const repeat = [...course, { ...more, role: 'repeat' as const }];
    expect(judge(repeat, both)).toMatchObject({ twice: 1, unexplained: 0 });
    expect(judge(repeat, once)).toMatchObject({ twice: 0 });
  });

  test('who takes silence for a yes has lost what is not there', () => {
    const believing = (there: readonly Effect[]) =>
      judged(historyFrom(course), there, { ...struck, believes: true }, marks).lost;
    expect(believing(effects)).toEqual([{ key: '7', commandId: '' }]);
    expect(believing([...effects, { key: '7', commandId: 'it took effect' }])).toEqual([]);
    expect(judge().lost).toEqual([]);
  });

  test('busy is told apart from unavailable', () => {
    const down = course.map(one =>
      one.answer === 'busy' ? { ...one, answer: 'failed' as const } : one,
    );
    expect(judge(down).answers).toMatchObject({ busy: 0, unavailable: 1 });
  });
});

describe('the record', () => {
  test('is the same after writing and reading', () => {
    const history = historyFrom(course);
    expect(historyOf(historyText(history))).toEqual(history);
    expect(historyText(history).split('\n')).toHaveLength(history.length + 1);
  });

  test('refuses a line that is no operation', () => {
    expect(() => historyOf('{"type":"invoke"}\n')).toThrow();
  });

  test('joins an answer to its own invocation', () => {
    const told = toldIn(historyFrom(course));
    expect(told.map(({ answer }) => answer?.outcome)).toEqual(course.map(({ answer }) => answer));
  });

  test('tells other keys slice by slice', () => {
    const strip = stripOf(historyFrom(course), marks);
    expect(strip.accepted).toHaveLength(50);
    expect([strip.accepted[1], strip.accepted[9], strip.accepted[40]]).toEqual([1, 1, 1]);
    expect(strip.accepted.reduce((sum, one) => sum + one, 0)).toBe(3);
  });
});
