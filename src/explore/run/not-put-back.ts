import type { PostgresControl } from './postgres-control.ts';
import { lateMs, within } from './within.ts';

/** An order has changed more than rows, unseen until now: the world is to be made anew. */
export class WorldChanged extends Error {
  override readonly name = 'WorldChanged';
}

/** The next order could not begin from the same world: no verdict can be given. */
export class NotPutBack extends Error {
  override readonly name = 'NotPutBack';
}

/** The message of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message with who is in the way, where somebody is. */
export async function reasonOf(error: unknown, postgres: PostgresControl): Promise<string> {
  const said = textOf(error);
  const others = await within(lateMs, 'asking', postgres.others()).catch(() => []);
  return others.length === 0 ? said : `${said}; in the database are still ${others.join('; ')}`;
}
