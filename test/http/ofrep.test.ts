import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { addGates } from '../../src/rollout/assignment-schema.ts';
import { groupOf } from '../../src/rollout/key-groups.ts';
import { assignPlace, changeGroup } from '../../src/rollout/mover.ts';
import { until } from '../fixtures/gate.ts';
import { Session } from '../fixtures/session.ts';
import { openEdge } from './edge.ts';
import { ask } from './requests.ts';

/** As the protocol's own schema has them: https://github.com/open-feature/protocol (service/openapi.yaml). */
const success = z.strictObject({
  ...{ key: z.string(), value: z.string(), variant: z.string() },
  reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DISABLED', 'UNKNOWN']),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
const failure = z.looseObject({
  key: z.string(),
  errorCode: z.enum(['PARSE_ERROR', 'TARGETING_KEY_MISSING', 'INVALID_CONTEXT', 'GENERAL']),
  errorDetails: z.string().optional(),
});
const notFound = failure.extend({ errorCode: z.literal('FLAG_NOT_FOUND') });

const edge = await openEdge({ ROLLOUTS: '1', ALLOW_STRATEGY_HEADER: '1' });
const place = { scenario: 'coupon', variant: 'plain' };
const targetingKey = 'campaigns/1';
const group = groupOf(targetingKey);
let session: Session;

beforeAll(async () => {
  session = await Session.open(edge.databaseUrl);
  await addGates(session.client, [place]);
});
afterAll(() => session.close());

const evaluate = (flag: string, body: object | string | undefined) =>
  ask(`${edge.url}/ofrep/v1/evaluate/flags${flag}`, { method: 'POST', ...(body && { body }) });

const ofKey = async (flag = '/coupon') => {
  const { status, body } = await evaluate(flag, { context: { targetingKey } });
  expect(status).toBe(200);
  return body;
};

/** Whether the key may be decided by what the answer says. */
async function proves(proof: unknown): Promise<boolean> {
  await session.run('begin');
  const held = await session.run(String(proof)).then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: '42P01' });
      return false;
    },
  );
  await session.run('rollback');
  return held;
}

describe('an application asks which strategy serves a key', () => {
  test('and gets it with the proof, which alone guarantees it', async () => {
    const before = success.parse(await ofKey());
    expect(before).toMatchObject({ value: 'row-lock', reason: 'STATIC' });
    expect(await proves(before.metadata.proof)).toBe(true);
    await assignPlace(session.client, { ...place, strategy: 'row-lock' }, 5_000);
    expect(await proves(before.metadata.proof)).toBe(false);
    const change = { ...place, group, epoch: 1n, to: 'redis-lease' };
    await changeGroup(session.client, change, 5_000);
    await until('it has heard', async () => success.parse(await ofKey()).value === 'redis-lease');
    const after = success.parse(await ofKey());
    expect(after).toMatchObject({ reason: 'SPLIT', metadata: { group, epoch: '2' } });
    expect(await proves(after.metadata.proof)).toBe(true);
  });

  test('or of all scenarios at once', async () => {
    const { flags } = await ofKey('');
    const known = z.array(success).parse(flags);
    expect(known.map(({ key }) => key)).toEqual(expect.arrayContaining(['coupon', 'gift-card']));
    expect(known.find(({ key }) => key === 'coupon')?.value).toBe('redis-lease');
  });

  test.each<[number, string, string, object | string | undefined]>([
    [400, 'TARGETING_KEY_MISSING', '/coupon', { context: {} }],
    [400, 'TARGETING_KEY_MISSING', '/coupon', undefined],
    [400, 'INVALID_CONTEXT', '/coupon', { context: { targetingKey, variant: 'nothing' } }],
    [400, 'PARSE_ERROR', '/coupon', '{"context":'],
    [404, 'FLAG_NOT_FOUND', '/nothing', { context: { targetingKey } }],
  ])('%i %s', async (status, errorCode, flag, body) => {
    const reply = await evaluate(flag, body);
    expect(reply.status).toBe(status);
    const read = (status === 404 ? notFound : failure).parse(reply.body);
    expect(read).toMatchObject({ key: flag.slice(1), errorCode });
  });
});
