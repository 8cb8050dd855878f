/** The SQL of a strategy in pgbench, if installed: an upper limit for Postgres. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Keeper } from '../../src/services/index.ts';
import type { Entry } from './contest.ts';

export interface PgbenchResources {
  readonly keeper: Keeper;
  /** Path of the program. */
  readonly command: string;
  readonly folder: string;
  readonly databaseUrl: string;
  readonly clients: number;
}

/** Runs a script with prepared statements; `name` is the name of the entry. */
export function pgbench(
  { keeper, command, folder, databaseUrl, clients }: PgbenchResources,
  name: string,
  script: string,
): Entry {
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = '';
  return {
    name,
    async measure(seconds) {
      const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.sql`);
      await writeFile(file, script);
      const load = ['-c', String(clients), '-j', '2'];
      const time = ['-T', String(Math.max(1, Math.round(seconds)))];
      const args = ['-n', '-M', 'prepared', ...load, ...time, '-f', file, url.href];
      const env = { PGPASSWORD: password };
      const exit = await keeper.run({ name: 'pgbench', command, args, env }, 60_000);
      const [, tps] = /tps = ([\d.]+)/.exec(exit.tail) ?? [];
      if (exit.code !== 0 || tps === undefined) throw new Error(exit.tail.trim().slice(-300));
      return Number(tps);
    },
  };
}
