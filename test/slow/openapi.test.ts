/** The document, judged by others: a validator, and schemathesis against a running service. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { openApiText } from '../../bench/report/openapi.ts';
import { freshDatabase } from '../database.ts';
import { metricsPage } from '../http/appointments.ts';
import { ask, sumOf } from '../http/requests.ts';
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

/** Rules that JSON Schema cannot say: there, what fits the schema may be refused as invalid input. */
const boundElsewhere = [
  'POST /appointment-requests', // at least as many therapists as are needed
  'POST /gift-cards', // the smallest debit is no more than the card holds
  'POST /gift-cards/{id}/debits', // at least the card's smallest debit
  'POST /therapists/{id}/visit-requests', // the end is after the start
  'POST /transfers', // two cards, of one wallet
  'POST /admin/audit', // how a refusal names its key depends on the scenario
];

/** What one operation may answer to data that fits the schema, beside what schemathesis expects. */
function settingsOf(document: Document, lab: boolean): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { tags, parameters = [] }]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const keyed = parameters.some(({ $ref = '' }) => $ref.endsWith('/Idempotency-Key'));
      const expected = [
        ...(boundElsewhere.includes(name) ? [400] : []),
        ...(keyed ? [422] : []), // the key belongs to another command
        ...(keyed && lab ? [400] : []), // the strategy cannot run that variant, or a pair of names
        ...(tags.includes('admin') && method === 'post' ? [413] : []), // full lists in every member
      ];
      return { name, expected };
    }),
  );
  const own = operations.filter(({ expected }) => expected.length > 0);
  return [
    'hooks = "fresh_keys"',
    `headers = { Authorization = "Bearer ${token}" }`,
    ...own.map(({ name, expected }) => {
      const statuses = JSON.stringify(['2XX', 401, 403, 404, 409, ...new Set(expected)]);
      return (
        `[[operations]]\ninclude-name = "${name}"\n` +
        `checks.positive_data_acceptance.expected-statuses = ${statuses}`
      );
    }),
    // a list that is too long may be more than a URL or a body may hold
    `[[operations]]\ninclude-path = "/admin/audit"\n` +
      `checks.negative_data_rejection.expected-statuses = ${JSON.stringify([400, 401, 413, 431])}`,
  ].join('\n');
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly $ref?: string }[];
}

describeWith('the API', ['schemathesis'], pathOf => {
  describe.each([
    ['as it runs by itself', {}, 25],
    ['as a lab runs it', { ALLOW_STRATEGY_HEADER: '1' }, 10],
  ])('%s', async (_title, environment, examples) => {
    const { url: DATABASE_URL } = await freshDatabase();
    const stores = { DATABASE_URL, REDIS_URL: testServers().redisUrl };
    const given = { ...stores, ADMIN_TOKEN: token, ...environment };
    const { service, ready } = servingService(given);
    const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** Within these bounds about half a minute. */
    async function judged(): Promise<string> {
      const bounds = ['--max-examples', String(examples), '--seed', '1', '--request-timeout', '30'];
      const from = `${ready().url}/openapi.json`;
      // a 404 there may name what the body names, a row that somebody else would have to make
      const but = ['--exclude-checks', 'ensure_resource_availability'];
      const args = ['--no-color', 'run', from, '--checks', 'all', ...but, ...bounds];
      const { stdout } = await run(pathOf('schemathesis'), args, {
        cwd: folder, // it keeps its settings and what it has found there
        env: { PATH: process.env.PATH, HOME: folder },
        timeout: 280_000,
        maxBuffer: 64_000_000,
      }).catch(({ stdout, stderr }) => expect.fail(`${stdout}${stderr}`));
      return stdout;
    }

    test('answers whatever is sent as its document says, and never with a 500', async () => {
      const document: Document = JSON.parse((await ask(`${ready().url}/openapi.json`)).text);
      const settings = settingsOf(document, 'ALLOW_STRATEGY_HEADER' in environment);
      writeFileSync(join(folder, 'schemathesis.toml'), settings);
      copyFileSync(join(import.meta.dirname, 'fresh_keys.py'), join(folder, 'fresh_keys.py'));
      const operations = Object.values(document.paths).flatMap(methods => Object.keys(methods));
      const all = operations.length - 1; // it leaves out the document itself
      expect(await judged()).toMatch(new RegExp(`Tested: +${all}\\b`));
      expect(service.lines.filter(line => line.includes('"level":50'))).toEqual([]);
      const page = await metricsPage(ready().url);
      const ended = (outcome: string) => sumOf(page, 'lockstep_commands_total', { outcome });
      expect(ended('accepted')).toBeGreaterThan(0);
      expect(ended('refused')).toBeGreaterThan(0);
    });
  });
});
