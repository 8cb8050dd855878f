import { describe, expect, test } from 'vitest';
import { kindOf, resourcesOf } from '../../src/scan/kinds.ts';
import { planOf } from '../../src/scan/pairs.ts';
import { answerOf, requestOf } from './requests.ts';

describe('kinds of requests', () => {
  test.each([
    ['POST', '/offers/17/accept', 'POST /offers/:id/accept'],
    ['GET', '/users/ann@example.com?full=1', 'GET /users/:id'],
    ['GET', '/orders/3f2b8c1e-0d4a-4b6f-9c55-0123456789ab', 'GET /orders/:id'],
    ['GET', '/v2/health', 'GET /v2/health'],
    ['POST', '/coupons/SUMMER2026XYZABCDE/claims', 'POST /coupons/:id/claims'],
    ['GET', '/', 'GET /'],
  ])('%s %s', (method, path, kind) => {
    expect(kindOf({ method, path })).toBe(kind);
  });
});

describe('what only the body tells', () => {
  const graphql = (body: unknown) => kindOf(requestOf(1, 'POST', '/graphql', JSON.stringify(body)));

  test('operations of GraphQL and methods of JSON-RPC are kinds', () => {
    expect(graphql({ operationName: 'Book', query: 'mutation Book { book }' })).toBe(
      'POST /graphql Book',
    );
    expect(graphql({ query: 'mutation Cancel($id: ID!) { cancel(id: $id) }' })).toBe(
      'POST /graphql Cancel',
    );
    expect(graphql({ query: '{ slots { id } }' })).toBe('POST /graphql slots');
    expect(graphql({ jsonrpc: '2.0', method: 'book', params: [] })).toBe('POST /graphql book');
    expect(graphql([{ jsonrpc: '2.0', method: 'book' }])).toBe('POST /graphql book');
    expect(graphql({ query: 'red shoes', method: 'card' })).toBe('POST /graphql');
  });

  test('ids of a body name the same thing as those of a path', () => {
    const inPath = resourcesOf(requestOf(1, 'POST', '/slots/7/bookings'));
    const inBody = resourcesOf(requestOf(2, 'POST', '/bookings', '{"in":{"slotId":7,"seats":7}}'));
    expect(inBody).toEqual(inPath);
    expect(resourcesOf(requestOf(3, 'PUT', '/slots', '{"id":"7"}'))).toEqual(inPath);
  });
});

describe('the pairs that stand for all', () => {
  test('each kind with itself, two users of one resource, and every two kinds', () => {
    const { pairs, untried } = planOf([
      requestOf(1, 'POST', '/slots/1/bookings', '{"who":"ann"}'),
      requestOf(2, 'POST', '/slots/1/bookings', '{"who":"bob"}'),
      requestOf(3, 'GET', '/slots/1'),
    ]);
    const ids = pairs.map(({ first, second }) => `${first.id}-${second.id}`);
    expect(ids).toEqual(['1-1', '1-2', '1-3', '2-3', '3-3']);
    expect(untried).toBe(1); // 2-2 is of the same kind as 1-1
  });

  test('a thousand requests of two kinds are few pairs, and the others are counted', () => {
    const many = Array.from({ length: 1_000 }, (_, at) =>
      requestOf(at + 1, at % 2 === 0 ? 'POST' : 'GET', `/slots/${at}/bookings`),
    );
    const { pairs, untried } = planOf(many);
    expect(pairs.length).toBeLessThanOrEqual(8);
    expect(pairs.length + untried).toBe(500_500);
  });

  test('the last that was let in is paired with itself, and with the first that was not', () => {
    const booking = (id: number, status: number) => ({
      ...requestOf(id, 'POST', '/slots/1/bookings', `{"who":"${id}"}`),
      answer: answerOf(status, ''),
    });
    const { pairs } = planOf([1, 2, 3, 4, 5, 6].map(id => booking(id, id < 5 ? 201 : 409)));
    const ids = pairs.map(({ first, second }) => `${first.id}-${second.id}`);
    expect(ids).toEqual(['1-1', '1-2', '2-3', '4-4', '4-5']);
  });

  test('requests on one resource go before neighbours on two', () => {
    const { pairs } = planOf([
      requestOf(1, 'POST', '/slots/7/bookings', '{"who":"ann"}'),
      requestOf(2, 'POST', '/slots/8/bookings', '{"who":"bob"}'),
      requestOf(3, 'POST', '/slots/9/bookings', '{"who":"eve"}'),
      requestOf(4, 'POST', '/slots/7/bookings', '{"who":"joe"}'),
    ]);
    expect(pairs.map(({ first, second }) => `${first.id}-${second.id}`)).toContain('1-4');
  });
});
