import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runExploreCommand } from '../../src/explore/command.ts';
import { testServers } from '../servers.ts';
import { describeWith } from '../slow/tools.ts';

/** Programs that know nothing of the explorer: their race is found, and their cure shown safe. */
async function explored(config: string, ...flags: string[]) {
  let said = '';
  const file = fileURLToPath(new URL(`../../examples/own-code/${config}`, import.meta.url));
  const code = await runExploreCommand([file, ...flags], {
    write: text => {
      said += text;
    },
    databaseUrl: testServers().postgresUrl,
    redisUrl: undefined,
  });
  return { code, said };
}

function findsAndCures(folder: string, violation: string): void {
  test('its race is found, and the schedule shows it again', async () => {
    const found = await explored(`${folder}/race.config.ts`);
    expect(found.said).toContain(': unsafe');
    expect(found.said).toContain(`audit: ${violation}`);
    expect(found.code).toBe(1);
    const schedule = found.said.match(/schedule (v2:\S+)/)?.[1] ?? '';
    const again = await explored(`${folder}/race.config.ts`, '--replay', schedule);
    expect(again.said).toContain(`audit: ${violation}`);
    expect(again.code).toBe(1);
  });

  test('its cure satisfies the audit in every order within the bound', async () => {
    const found = await explored(`${folder}/cure.config.ts`);
    expect(found.said).toContain(': safe');
    expect(found.said).toMatch(/all \d+ orders of this scenario/);
    expect(found.code).toBe(0);
  });
}

describeWith('an Express handler with Sequelize', [], () => {
  findsAndCures('express-booking', '{"slot_id":1,"sold":2}');
});

describeWith('a shell job with psql', ['psql'], () => {
  findsAndCures('shell-payout', '{"invoice_id":1,"count":"2"}');
});

describeWith('a Python script with psycopg', ['psycopg'], pathOf => {
  process.env.PYTHON = pathOf('psycopg');
  findsAndCures('python-withdraw', '{"paid":160}');
});
