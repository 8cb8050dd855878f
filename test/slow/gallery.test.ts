import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  exploreGallery,
  type GalleryEntry,
  galleryDocument,
  galleryNames,
  installGallery,
} from '../../bench/explore/gallery-document.ts';
import { replay } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const root = join(import.meta.dirname, '..', '..');
let entries: readonly GalleryEntry[] = [];

/** Clients in this process share its time with everything else here: a disturbed run is made again. */
const runsMax = 3;

beforeAll(async () => {
  await installGallery();
  const page = await readFile(galleryDocument.path, 'utf8');
  const found = new Map<string, GalleryEntry>();
  const names = await galleryNames();
  for (let run = 0; run < runsMax; run += 1) {
    const open = names.filter(name => !isOn(page, found.get(name)));
    for (const entry of await exploreGallery(open, servers)) found.set(entry.name, entry);
  }
  entries = names.flatMap(name => found.get(name) ?? []);
}, 900_000);

function isOn(page: string, entry: GalleryEntry | undefined): boolean {
  if (!entry) return false;
  const row = galleryDocument.text([entry]).match(/^\| `.*$/m)?.[0];
  return row !== undefined && page.includes(row);
}

describe('the gallery', () => {
  test('is what its page says, to the last order', async () => {
    expect(entries.length).toBeGreaterThanOrEqual(8);
    expect(galleryDocument.text(entries)).toBe(await readFile(galleryDocument.path, 'utf8'));
  });

  test('has a verdict for each package, and a cure shown safe for each race', () => {
    const verdicts = entries.map(({ name, race, cure }) => ({
      name,
      race: race.found.outcome,
      cure: cure?.found.outcome,
    }));
    const open = verdicts.filter(({ race, cure }) => {
      const cured = cure === 'safe' || cure === 'independent'; // they no longer meet
      return race === 'unsafe' ? !cured : race !== 'safe' || cure !== undefined;
    });
    expect(open).toEqual([]);
  });

  test('replays each counterexample to the same end', async () => {
    for (const { name, race } of entries) {
      const { counterexample } = race.found;
      if (counterexample === undefined) continue;
      const options = { ...race.config, servers, times: 3 };
      const again = await replay(race.config, counterexample.schedule, options);
      const expected = Array(3).fill(counterexample.record.violations);
      expect({ name, violations: again.map(record => record.violations) }).toEqual({
        name,
        violations: expected,
      });
    }
  });

  test('type checks', async () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const project = join(root, 'examples', 'gallery');
    await promisify(execFile)(process.execPath, [tsc, '-p', project]);
  });
});
