/** `npm run dev:gallery`: explores third-party packages. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { openServices } from '../../src/services/index.ts';
import {
  exploreGallery,
  type GalleryEntry,
  galleryDocument,
  galleryNames,
  installGallery,
} from '../explore/gallery-document.ts';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return commandOf(
    'dev-gallery',
    'Explores the packages of examples/gallery and writes docs/gallery.md.',
  ).argument('[words...]', 'only packages whose names match; prints what it finds, writes nothing');
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const read = form();
    readTable(read, {}, argv);
    const words = read.args;
    const names = await galleryNames(words);
    await installGallery();
    const services = await openServices({
      redisNodeCount: 0,
      durable: false,
      report: note,
      signal,
    });
    try {
      const servers = { pgUrl: services.postgres.url, redisUrls: [services.redis.url] };
      let beganMs = performance.now();
      const entries = await exploreGallery(names, servers, entry => {
        signal.throwIfAborted();
        note(`${sentence(entry)} (${Math.round(performance.now() - beganMs)} ms)`);
        beganMs = performance.now();
      });
      if (words.length > 0) write(galleryDocument.text(entries));
      else await writeFile(galleryDocument.path, galleryDocument.text(entries));
      return exitCodes.asClaimed;
    } finally {
      await services.close();
    }
  },
};

function sentence({ name, race, cure }: GalleryEntry): string {
  const cured = cure === undefined ? '' : `; with the cure: ${cure.found.outcome}`;
  return `${name}: ${race.found.outcome}, ${race.found.why}${cured}`;
}
