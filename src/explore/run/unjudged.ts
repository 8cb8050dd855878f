/** A part of the config (`audit`, `check`, `reset`, `leases`) failed: there can be no verdict. */
export class Unjudged extends Error {
  override readonly name = 'Unjudged';
}

/** Runs a part of the config; its error is named after the part. Throws Unjudged. */
export async function asPart<T>(part: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unjudged) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new Unjudged(`\`${part}\` failed: ${message}`, { cause: error });
  }
}
