/** The document, judged by others: a validator, and schemathesis against a running service. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { openApiText } from '../../bench/report/openapi.ts';
import { freshDatabase } from '../database.ts';
import { metricsPage } from '../http/appointments.ts';
import { sumOf } from '../http/requests.ts';
import { servingService } from '../http/running-service.ts';
import { testServers } from '../servers.ts';
import { describeWith } from './tools.ts';

const run = promisify(execFile);

describeWith('the OpenAPI document', ['openapi-spec-validator'], pathOf => {
  const folder = mkdtempSync(join(tmpdir(), 'openapi-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const validated = (text: string) => {
    const file = join(folder, 'openapi.json');
    writeFileSync(file, text);
    return run(pathOf('openapi-spec-validator'), ['--schema', '3.1', file], { timeout: 120_000 });
  };

  test('is one of OpenAPI 3.1', async () => {
    expect((await validated(await openApiText())).stdout).toMatch(/OK/);
  });

  test('is found fault with where a link leads nowhere', async () => {
    const broken = (await openApiText()).replace('"problem-not-found"', '"problem-not-there"');
    await expect(validated(broken)).rejects.toThrow();
  });
});

const token = 'a token for schemathesis alone';

/**
 * Operations with a rule that JSON Schema cannot say: a member or a row bounds another member. There a request that fits the schema may be refused as `invalid-input`.
 */
const boundElsewhere = [
  'POST /appointment-requests', // at least as many therapists as are needed
  'POST /gift-cards', // the smallest debit is no more than the card holds
  'POST /gift-cards/{id}/debits', // at least the card's smallest debit
  'POST /therapists/{id}/visit-requests', // the end is after the start
  'POST /transfers', // two cards, of one wallet
  'POST /admin/audit', // whether a refusal names its key alone depends on the scenario
];

const accepted = ['2XX', 401, 403, 404, 409];

const settings = [
  `headers = { Authorization = "Bearer ${token}" }`,
  ...boundElsewhere.map(
    name =>
      `[[operations]]\ninclude-name = "${name}"\n` +
      `checks.positive_data_acceptance.expected-statuses = ${JSON.stringify([...accepted, 400])}`,
  ),
].join('\n');

describeWith('the API', ['schemathesis'], async pathOf => {
  const { url: DATABASE_URL } = await freshDatabase();
  const { service, ready } = servingService({
    ...{ DATABASE_URL, REDIS_URL: testServers().redisUrl },
    ...{ ADMIN_TOKEN: token, ALLOW_STRATEGY_HEADER: '1' },
  });
  const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('answers whatever is sent as its document says, and never with a 500', async () => {
    writeFileSync(join(folder, 'schemathesis.toml'), settings);
    const { url } = ready();
    const bounds = ['--max-examples', '20', '--seed', '1', '--request-timeout', '30'];
    const args = ['run', `${url}/openapi.json`, '--checks', 'all', ...bounds];
    const judged = await run(pathOf('schemathesis'), ['--no-color', ...args], {
      cwd: folder, // it keeps its examples there
      env: { PATH: process.env.PATH, HOME: folder },
      timeout: 280_000,
      maxBuffer: 64_000_000,
    }).catch(({ stdout, stderr }) => expect.fail(`${stdout}${stderr}`));
    const operations = (await openApiText()).match(/"operationId": "/g) ?? [];
    expect(judged.stdout).toMatch(new RegExp(`Tested: +${operations.length}\\b`));
    expect(service.lines.filter(line => line.includes('"level":50'))).toEqual([]);
    const page = await metricsPage(url);
    const ended = (outcome: string) => sumOf(page, 'lockstep_commands_total', { outcome });
    expect(ended('accepted')).toBeGreaterThan(0);
    expect(ended('refused')).toBeGreaterThan(0);
  });
});
