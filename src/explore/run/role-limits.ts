import type { Baseline } from './baseline.ts';

/** What follows from what the role may not do, in sentences for the verdict. */
export function limitsOf(role: string, baseline: Baseline, whole: readonly string[]): string[] {
  const said: string[] = [];
  if (baseline.heedsTriggers) {
    const how = baseline.needsCopy
      ? 'every order begins in a fresh copy of the database, since triggers, rules, policies or ' +
        'foreign keys in a circle would act on rows that are put back'
      : 'rows are put back in the order of their foreign keys';
    said.push(
      `The role '${role}' is no superuser: ${how}, and a change of tables that is made inside a ` +
        'function is known by what it leaves in the catalogue.',
    );
  }
  if (whole.length > 0) {
    said.push(`Statements that write are whole on ${whole.join(', ')}: not owned by '${role}'.`);
  }
  return said;
}
