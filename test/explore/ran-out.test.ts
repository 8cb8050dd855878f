import { describe, expect, test } from 'vitest';
import { RanOut } from '../../src/explore/run/ran-out.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';

const [redis] = await ownRedisServers(1);
if (redis === undefined) throw new Error('one server was asked for');
const { admin, url } = redis;

/** What has run out in an order in which these keys did, `ended` by the explorer's own hand. */
async function ranOut(at: string, keys: readonly string[]): Promise<string[]> {
  const heard = await RanOut.open([at]);
  try {
    await admin.set('before', '1', 'PX', 1);
    await expect.poll(() => admin.exists('before')).toBe(0);
    await heard.begin();
    for (const key of keys) {
      await admin.set(key, '1', 'PX', 1);
      await expect.poll(() => admin.exists(key)).toBe(0);
    }
    return await heard.names(new Set([`0 0 ${Buffer.from('ended').toString('hex')}`]));
  } finally {
    await heard.close();
  }
}

describe('keys that ran out in the middle of an order are', () => {
  test('named, but those that the explorer has ended', async () => {
    expect(await ranOut(url, ['ended', 'lock'])).toEqual(['lock']);
  });

  test('counted, where the server does not let it ask for names', async () => {
    await admin.call('acl', 'setuser', 'limited', 'on', '>x', '~*', '&*', '+@all', '-config');
    const limited = new URL(url);
    [limited.username, limited.password] = ['limited', 'x'];
    try {
      const unnamed = ['(its name is not told)'];
      expect(await ranOut(limited.href, ['ended', 'lock'])).toEqual(unnamed);
      expect(await ranOut(limited.href, ['ended'])).toEqual([]);
    } finally {
      await admin.call('acl', 'deluser', 'limited');
    }
  });
});
