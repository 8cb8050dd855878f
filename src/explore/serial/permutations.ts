/** All orders of these: at most 24 of four. */
export function permutations(of: readonly number[]): readonly (readonly number[])[] {
  if (of.length <= 1) return [of];
  return of.flatMap(first =>
    permutations(of.filter(one => one !== first)).map(rest => [first, ...rest]),
  );
}

/** Every choice of some of these, the smallest first; never none of them. */
export function subsets(of: readonly number[]): readonly (readonly number[])[] {
  const all: (readonly number[])[] = [[]];
  for (const one of of) for (const some of [...all]) all.push([...some, one]);
  return all.sort((a, b) => a.length - b.length).slice(1);
}
