/**
 * `npm run gallery`: explores code that we did not write, and writes docs/gallery.md.
 * `npm run gallery -- keyv umzug` explores only packages with such names, and prints what it finds.
 */
import { writeFile } from 'node:fs/promises';
import { openServices } from '../../src/services/index.ts';
import {
  exploreGallery,
  type GalleryEntry,
  galleryDocument,
  galleryNames,
  installGallery,
} from '../explore/gallery-document.ts';

const words = process.argv.slice(2);
const names = await galleryNames(words);
await installGallery();
const services = await openServices({ redisNodeCount: 0, durable: false, report });
try {
  const servers = { pgUrl: services.postgres.url, redisUrls: [services.redis.url] };
  let beganMs = performance.now();
  const entries = await exploreGallery(names, servers, entry => {
    report(`${sentence(entry)} (${Math.round(performance.now() - beganMs)} ms)`);
    beganMs = performance.now();
  });
  if (words.length === 0) await writeFile(galleryDocument.path, galleryDocument.text(entries));
  else process.stdout.write(galleryDocument.text(entries));
} finally {
  await services.close();
}

function sentence({ name, race, cure }: GalleryEntry): string {
  const cured = cure === undefined ? '' : `; with the cure ${cure.found.outcome}`;
  return `${name}: ${race.found.outcome}, ${race.found.why}${cured}`;
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
