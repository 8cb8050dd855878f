/** A small disk with the tables of the run on it, which can be filled to the last byte. */
import { chown, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Child } from '../../src/services/index.ts';
import { serviceRole } from './run-role.ts';
import { serverFolder } from './server-folder.ts';
import type { Lab } from './stage.ts';

export interface SmallDisk {
  /** Fills what is left. Resolves when nothing more can be written, and the pages have no room left. */
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
      await fill(filler);
      await sql(useUp);
    },
    ease: () => rm(filler, { force: true }),
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

/**
 * Inserts copies of what is there, with ids of their own, until there is no room in any page; what has
 * failed is undone, and its room is not given back before a VACUUM. Tables whose rows cannot be copied are
 * left as they are.
 */
const useUp = `
do $$
declare
  copy text;
begin
  for copy in
    select format('insert into %s (%s) select %s from %1$s, generate_series(1, 100000)', c.oid::regclass,
      string_agg(quote_ident(a.attname), ', ' order by a.attnum),
      string_agg(case when a.atttypid = 'uuid'::regtype then 'gen_random_uuid()'
        else quote_ident(a.attname) end, ', ' order by a.attnum))
    from pg_class as c
      join pg_tablespace as s on s.oid = c.reltablespace and s.spcname = '${space}'
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.attidentity = '' and a.attgenerated = '' and not a.atthasdef
    where c.relkind = 'r'
    group by c.oid
  loop
    begin
      execute copy;
      raise exception 'there was room for all of it';
    exception when disk_full or integrity_constraint_violation or raise_exception then
      null;
    end;
  end loop;
end $$`;
