/** Test files share a process: what one leaves in it, the next one meets. Read anew for each file. */
import { afterAll, expect } from 'vitest';

const shared = () => ({ provider: process.env.PROVIDER_URL, fetch: globalThis.fetch });
const before = shared();

// hooks end in the opposite order, so this is behind the file's own
afterAll(() => {
  expect(shared(), 'this file leaves a provider or its fetch behind').toEqual(before);
});
