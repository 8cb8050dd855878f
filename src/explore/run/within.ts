/** A wait of the explorer's own that did not end in its time: no verdict can be given. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

/** The result of `work`, or NotInTime after so many milliseconds of real time. It is not undone. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new NotInTime(`${what} did not end within ${seconds(ms)}`));
    }, ms);
  });
  work.catch(() => undefined); // whoever lost the race has nobody to complain to
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(2))} s`;
}
