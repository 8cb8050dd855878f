import { expect, test } from 'vitest';
import { withValues } from '../../src/explore/explain/values.ts';

test('values stand in the place of parameters, and not inside of strings', () => {
  const label = "select '$1' from slot where id = $1 and who = $2 and at is $3 and n = $10";
  expect(withValues({ label, values: ['7', "o'hara", null] })).toBe(
    "select '$1' from slot where id = 7 and who = 'o''hara' and at is null and n = $10",
  );
});
