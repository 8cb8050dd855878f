import { describe, expect, test } from 'vitest';
import { unjudgedBy, unseenBy } from '../../src/scan/grounds.ts';
import { bodyOf, type RecordedStatement } from '../../src/scan/record/recording.ts';
import type { Replayed } from '../../src/scan/replay/replayer.ts';
import { allJudged } from '../../src/scan/result.ts';
import { answerOf, requestOf } from './requests.ts';

const statement: RecordedStatement = {
  store: 'postgres',
  connection: 1,
  transaction: null,
  text: 'select 1',
  values: [],
  result: 'SELECT 1',
  among: [],
};

function run(status: number, statements: readonly RecordedStatement[] = [statement]): Replayed {
  return { answer: answerOf(status, ''), statements, session: [], restless: false };
}

const booking = requestOf(1, 'POST', '/bookings');
const look = requestOf(2, 'GET', '/bookings');
const pair = (first = booking, second = first) => ({ first, second });

describe('a clearance stands', () => {
  test.each([
    ['where both sent statements, and one was let in', pair(), [run(201), run(409)]],
    ['where both only look', pair(look), [run(200, []), run(200, [])]],
  ])('%s', (_name, of, runs) => {
    expect(unseenBy(of, runs, runs)).toBeUndefined();
  });
});

describe('a clearance does not stand', () => {
  test.each([
    ['where nobody saw what one does', pair(), [run(201, []), run(201, [])], 'sent no statement'],
    ['where all were refused', pair(), [run(422), run(422)], 'every answer refuses'],
    ['where lookers were refused', pair(look), [run(404), run(404)], 'every answer refuses'],
  ])('%s', (_name, of, runs, why) => {
    expect(unseenBy(of, runs, runs)).toContain(why);
  });

  test('nor where the second alone is not seen', () => {
    const runs = [run(201), run(201, [])];
    const others = [run(201, []), run(201)];
    expect(unseenBy(pair(booking, requestOf(3, 'POST', '/files')), runs, others)).toContain('3');
  });
});

test('who did something that is no statement is not judged; who was refused or looked may be', () => {
  const silent = [run(201, []), run(409, [])];
  expect(unjudgedBy(pair(), silent, silent, [])).toContain('sent no statement');
  const refused = [run(422, []), run(422, [])];
  expect(unjudgedBy(pair(), refused, refused, [])).toBeUndefined();
  expect(unjudgedBy(pair(look), silent, silent, [])).toBeUndefined();
});

test('whose calls to providers are not compared is not judged', () => {
  const body = bodyOf(Buffer.from(''));
  const call = { method: 'POST', path: '/charges', body, answer: answerOf(200, '') };
  const calls = [
    { ...call, provider: 'PAY_URL', among: [1, 7] },
    { ...call, provider: 'MAIL_URL', among: [9] },
  ];
  const runs = [run(201), run(200)];
  expect(unjudgedBy(pair(booking, look), runs, runs, calls)).toBe(
    'calls to PAY_URL are not compared',
  );
});

describe('a scan is complete', () => {
  const result = {
    pairs: [],
    kinds: new Map(),
    untried: 0,
    outside: [],
    orders: 0,
    seconds: 1,
    firstFindingSeconds: undefined,
  };
  const recording = { requests: [booking], limits: [] };

  test('where all was recorded, and nothing was refused', () => {
    expect(allJudged(result, recording)).toBe(true);
  });

  test('and not where a host was refused, a request unanswered, or something not recorded', () => {
    expect(allJudged({ ...result, outside: ['api.example.com'] }, recording)).toBe(false);
    const silent = { ...booking, answer: null };
    expect(allJudged(result, { ...recording, requests: [silent] })).toBe(false);
    expect(allJudged(result, { ...recording, limits: ['--test ended with 1'] })).toBe(false);
  });
});
