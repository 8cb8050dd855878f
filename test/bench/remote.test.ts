import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { remoteTarget } from '../../bench/load/remote.ts';

test('how long a key of a remote service may stay busy is what LEASE_MS says', async () => {
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ strategy: 'row-lock' }));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect(await remoteTarget(url, {})).toMatchObject({ leaseMs: 10_000 });
    expect(await remoteTarget(url, { LEASE_MS: '60000' })).toMatchObject({ leaseMs: 60_000 });
    await expect(remoteTarget(url, { LEASE_MS: 'long' })).rejects.toThrow("LEASE_MS is 'long'");
  } finally {
    await new Promise(resolve => server.close(resolve));
  }
});
