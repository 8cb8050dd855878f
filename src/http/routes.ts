import type { Form, Registered } from '../contract/index.ts';

/** A contended route with the variants that it serves, the default first. */
export interface ContendedRoute {
  readonly path: string;
  readonly title: string;
  readonly form: Form;
  readonly variants: Registered['variants'];
}

/** The contended routes of a scenario: its own first. */
export function contendedRoutes({
  path: own,
  title,
  variants,
}: Registered): readonly ContendedRoute[] {
  const paths = [...new Set([own, ...Object.values(variants).map(({ path }) => path)])];
  return paths.flatMap(path => {
    const served = Object.entries(variants).filter(([, one]) => one.path === path);
    const [first] = served;
    if (!first) return [];
    const [, { title: titleOfVariant, form }] = first;
    return {
      path,
      title: path === own ? title : titleOfVariant,
      form,
      variants: Object.fromEntries(served),
    };
  });
}
