import { readFile } from 'node:fs/promises';
import type { Account } from './protocol.ts';

export type { Account } from './protocol.ts';

/** Postgres refuses to run as root. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/** What a child can be started as: macOS writes nobody as -2, which it cannot. */
function isUsable(id: number): boolean {
  return Number.isInteger(id) && id > 0 && id < 2 ** 31;
}

/**
 * Who runs the servers: the account `nobody` where this process is root, else undefined (this
 * user). initdb refuses a uid that has no entry in /etc/passwd, so the number is read from there.
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (!runsAsRoot()) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const fields = passwd
    .split('\n')
    .find(line => line.startsWith('nobody:'))
    ?.split(':');
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  if (isUsable(uid) && isUsable(gid)) return { uid, gid };
  throw new Error(
    'Postgres refuses to run as root, and /etc/passwd has no account `nobody` to run it by. ' +
      'Run as an ordinary user, or set DATABASE_URL.',
  );
}
