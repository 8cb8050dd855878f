/** The next order could not begin from the same world: no verdict can be given. */
export class NotPutBack extends Error {
  override readonly name = 'NotPutBack';
}
