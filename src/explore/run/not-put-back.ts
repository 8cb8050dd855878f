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
