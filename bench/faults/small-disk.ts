/** A small disk with the tables of the run on it, which can be filled to the last byte. */
import { chown, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Child } from '../../src/services/index.ts';
import { serviceRole } from './run-role.ts';
import { serverFolder } from './server-folder.ts';
import type { Lab } from './stage.ts';

export interface SmallDisk {
  /** Fills what is left. Resolves when nothing more can be written, and no page takes another row. */
  fill(): Promise<void>;
  /** Makes room again. */
  ease(): Promise<void>;
  /** Puts the tables back, and takes the disk away. */
  close(): Promise<void>;
}

const space = 'lockstep_small_disk';
const sizeMiB = 128;

/** Unmounts it when it is told to end: whoever owned it may be gone. */
const mounted = `
mount -t tmpfs -o "$2" lockstep "$1" || exit 1
trap 'umount -l "$1"; kill $!; exit 0' TERM INT
echo mounted
while :; do sleep 3600 & wait $!; done`;

/** Mounts it, and moves the tables there. It ends with the keeper. */
export async function openSmallDisk(lab: Lab): Promise<SmallDisk> {
  const { folder, account } = await serverFolder(lab);
  const place = join(folder, 'disk');
  await mkdir(place);
  const { uid, gid } = account ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await chown(place, uid, gid);
  const options = `size=${sizeMiB}m,mode=0700,uid=${uid},gid=${gid}`;
  const disk = await mount(lab, place, options);
  const { sql } = lab;
  const filler = join(place, 'filler');
  const move = async (from: string, to: string): Promise<void> => {
    for (const kind of ['table', 'index'])
      await sql(
        `alter ${kind} all in tablespace ${from} owned by ${serviceRole} set tablespace ${to}`,
      );
  };
  await sql(`create tablespace ${space} location '${place}'`);
  await move('pg_default', space);
  return {
    async fill() {
      await sql(pagesAre('set (fillfactor = 10)'));
      await fill(filler);
    },
    async ease() {
      await rm(filler, { force: true });
      await sql(pagesAre('reset (fillfactor)'));
    },
    async close() {
      await rm(filler, { force: true });
      await move(space, 'pg_default');
      await sql(`drop tablespace ${space}`);
      await disk.stop();
    },
  };
}

async function mount({ keeper }: Lab, place: string, options: string): Promise<Child> {
  let isThere = false;
  return keeper.start(
    {
      name: 'a small disk',
      role: 'server',
      command: '/bin/sh',
      args: ['-c', mounted, 'sh', place, options],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stop: [{ signal: 'SIGTERM', waitMs: 2_000 }],
    },
    {
      onLine: line => {
        isThere ||= line === 'mounted';
      },
      ready: async () => isThere,
    },
  );
}

/** First in large pieces, then in small ones. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    for (const bytes of [1_048_576, 4_096]) {
      const piece = Buffer.alloc(bytes);
      const most = Math.ceil((sizeMiB * 1_048_576) / bytes) + 1;
      for (let written = 0; written < most; written += 1)
        if (!(await writes(() => file.write(piece)))) break;
    }
  } finally {
    await file.close();
  }
}

/** False where the disk is full. */
async function writes(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

/** What pages of the tables are called full: no row is added to one that is, so the next needs a page more. */
const pagesAre = (how: string): string => `
do $$
declare
  name text;
begin
  for name in
    select format('%I.%I', schemaname, tablename) from pg_tables where tablespace = '${space}'
  loop
    execute format('alter table %s ${how}', name);
  end loop;
end $$`;
