/** The ids of a list in an answer. Throws where it is none. */
export function idsIn(list: unknown): readonly string[] {
  if (!Array.isArray(list)) throw new Error('the service answered without the list that was made');
  return list.map(one => String(one?.id));
}
