import { describe, expect, test } from 'vitest';
import { differs, isTurnedAway, overlapped } from '../../src/scan/replay/compare.ts';
import { Renames } from '../../src/scan/replay/renames.ts';
import { answerOf, requestOf } from './requests.ts';

describe('an answer stands for the recorded one', () => {
  test('with the same status and shape, whatever the values', () => {
    const was = answerOf(201, { id: 1, items: [{ sku: 'a' }] });
    expect(differs(was, answerOf(201, { items: [{ sku: 'b' }], id: 7 }))).toBeUndefined();
  });

  test.each([
    [answerOf(401, { error: 'expired' }), 'answered 401'],
    [answerOf(201, { error: 'x' }), 'answered {error: string}'],
    [answerOf(201, { id: 1, items: [] }), 'items: []'],
    [null, 'not answered'],
  ])('and not with another', (replayed, why) => {
    expect(differs(answerOf(201, { id: 1, items: [{ sku: 'a' }] }), replayed)).toContain(why);
  });

  test('callers who are not let in are told apart from those who are refused', () => {
    expect([401, 403, 409, 422, 429].filter(one => isTurnedAway(answerOf(one, '')))).toEqual([
      401, 403, 429,
    ]);
  });

  test('who is sent to log in is not let in', () => {
    const sentTo = (where: string) => answerOf(302, '', [['Location', where]]);
    expect(isTurnedAway(sentTo('/users/sign_in?next=/me'))).toBe(true);
    expect(isTurnedAway(sentTo('https://id.example.com/login'))).toBe(true);
    expect(isTurnedAway(sentTo('/bookings/7'))).toBe(false);
  });

  test('requests overlap when one begins before the other has ended', () => {
    const one = requestOf(1, 'POST', '/a');
    expect(overlapped(one, { ...requestOf(2, 'POST', '/a'), atMs: 105 })).toBe(true);
    expect(overlapped(one, requestOf(2, 'POST', '/a'))).toBe(false);
  });
});

describe('renames', () => {
  const uuid = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-000000000000`;

  test('a generated id is renamed in paths, bodies and headers', () => {
    const renames = new Renames();
    renames.learn(answerOf(201, { id: uuid('1') }), answerOf(201, { id: uuid('2') }));
    const request = requestOf(2, 'POST', `/orders/${uuid('1')}/pay`, `{"order":"${uuid('1')}"}`);
    const sent = renames.apply({ ...request, headers: [['x-order', uuid('1')]] });
    expect(sent.path).toBe(`/orders/${uuid('2')}/pay`);
    expect(sent.body.text).toBe(`{"order":"${uuid('2')}"}`);
    expect(sent.headers).toEqual([['x-order', uuid('2')]]);
  });

  test('a small number is renamed as an id, and not as a quantity', () => {
    const renames = new Renames();
    renames.learn(answerOf(201, { id: 1, seats: 1 }), answerOf(201, { id: 7, seats: 2 }));
    const sent = renames.apply(requestOf(2, 'POST', '/slots/1', '{"slotId":1,"seats":1}'));
    expect(sent.path).toBe('/slots/7');
    expect(JSON.parse(sent.body.text)).toEqual({ slotId: 7, seats: 1 });
  });

  test('a session cookie is renamed where it comes back', () => {
    const renames = new Renames();
    const cookie = (token: string) => answerOf(200, '', [['Set-Cookie', `sid=${token}; Path=/`]]);
    renames.learn(cookie('aaaa1111bbbb'), cookie('cccc2222dddd'));
    const sent = renames.apply({
      ...requestOf(2, 'GET', '/me'),
      headers: [['cookie', 'sid=aaaa1111bbbb']],
    });
    expect(sent.headers).toEqual([['cookie', 'sid=cccc2222dddd']]);
  });

  test('a copy learns by itself', () => {
    const renames = new Renames();
    renames.fork().learn(answerOf(201, { id: 1 }), answerOf(201, { id: 2 }));
    expect(renames.apply(requestOf(1, 'GET', '/a/1')).path).toBe('/a/1');
  });
});
