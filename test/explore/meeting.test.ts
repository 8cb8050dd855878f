import { expect, test } from 'vitest';
import { dependsOnOthers, transcriptsOf } from '../../src/explore/meeting.ts';
import type { TraceLine } from '../../src/explore/run/trace.ts';

type Exchange = readonly [label: string, reply: string];

/** What one actor was told on its only connection. */
function told(...exchanges: readonly Exchange[]) {
  const lines = exchanges.map(([label, reply], at): TraceLine => {
    return {
      token: 'A',
      actor: 0,
      store: 'postgres',
      label,
      result: '',
      reply,
      answeredAfter: at + 1,
    };
  });
  return transcriptsOf(lines, 0);
}

const insert = 'insert into booking (seat) values ($1) returning id';
const look = 'select count(*) from booking where seat = $1';

test('an answer that is the same with and without the others is no meeting', () => {
  const alone = told([look, 'SELECT 1\n0']);
  expect(dependsOnOthers(alone, alone, alone)).toBeUndefined();
});

test('an answer that the others change is named by its request', () => {
  const alone = told([look, 'SELECT 1\n0'], [insert, 'INSERT 0 1\n1']);
  expect(dependsOnOthers(alone, alone, told([look, 'SELECT 1\n1']))).toBe(look);
  expect(dependsOnOthers(alone, alone, told([look, 'SELECT 1\n0']))).toBe(insert);
  expect(dependsOnOthers(alone, alone, told([look, 'SELECT 1\n0'], [insert, 'error 23505']))).toBe(
    insert,
  );
});

test('numbers of a sequence may be any, as long as each has one name', () => {
  const run = (id: number, again = id) =>
    told([insert, `INSERT 0 1\n${id}`], ['select max(id) from booking', `SELECT 1\n${again}`]);
  expect(dependsOnOthers(run(1), run(212), run(2))).toBeUndefined();
  expect(dependsOnOthers(run(1), run(212), run(1, 2))).toBe('select max(id) from booking');
});

test('numbers of two sequences that begin alike are told apart', () => {
  const run = (order: number, item: number) =>
    told(['insert into a default values returning id', `${order}`], [insert, `${item}`]);
  expect(dependsOnOthers(run(1, 1), run(212, 225), run(2, 3))).toBeUndefined();
});

test('moments and random tokens say nothing', () => {
  const run = (token: string, moment: string, epoch: number) =>
    told(['select token, at, since from session', `SELECT 1\n${token} ${moment} ${epoch} open`]);
  const epoch = Math.floor(Date.now() / 1_000);
  const today = new Date().toISOString().slice(0, 10);
  const alone = run('3f2b8c1e-9a4d-4a51-8a77-0d9f5a6b7c81', `${today} 10:00:00.1+00`, epoch);
  const again = run('91b7e2f0-1c2d-4e3f-9a0b-5c6d7e8f9a0b', `${today} 10:00:00.2+00`, epoch);
  const other = run('aa57d2c9-4e5f-4b6a-8c7d-9e0f1a2b3c4d', `${today} 10:00:07.9+00`, epoch + 7);
  expect(dependsOnOthers(alone, again, other)).toBeUndefined();
});

test('what an actor is told on one connection is compared with that connection', () => {
  const lines = (tokens: readonly string[]): TraceLine[] =>
    tokens.map((token, at) => {
      const label = `select ${token}`;
      return { token, actor: 0, store: 'postgres', label, result: token, answeredAfter: at + 1 };
    });
  const [one, other] = [transcriptsOf(lines(['A', 'A2']), 0), transcriptsOf(lines(['A2', 'A']), 0)];
  expect(dependsOnOthers(one, one, other)).toBeUndefined();
});

test('an answer that never came is none', () => {
  const asked = { token: 'A', actor: 0, store: 'postgres', label: look, result: '' };
  expect(transcriptsOf([{ ...asked, answeredAfter: 0 }], 0)).toEqual(new Map());
  expect(transcriptsOf([{ ...asked, answeredAfter: 1 }], 0).size).toBe(1);
});
