/** A Prometheus that scrapes the replicas of a run, and is asked for the whole of it at the end. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Child, freePort, type Keeper } from '../../src/services/index.ts';

const answer = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

export type RangeResult = z.infer<typeof answer>['data']['result'];

/** The program, or undefined where there is none. */
export function findPrometheus(path = process.env.PROMETHEUS_PATH ?? 'prometheus') {
  return spawnSync(path, ['--version']).status === 0 ? path : undefined;
}

export class Prometheus {
  readonly #url: string;
  readonly #child: Child;
  readonly #folder: string;

  private constructor(url: string, child: Child, folder: string) {
    this.#url = url;
    this.#child = child;
    this.#folder = folder;
  }

  /** Scrapes each of these every second. */
  static async start(
    path: string,
    keeper: Keeper,
    targets: readonly string[],
  ): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-prometheus-'));
    const static_configs = [{ targets: targets.map(target => new URL(target).host) }];
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'lockstep', static_configs }],
    };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const child = await keeper.start(
      {
        name: 'Prometheus',
        role: 'client',
        command: path,
        args: [
          `--config.file=${join(folder, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        env: {},
      },
      {
        ready: async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true,
        readyMs: 30_000,
      },
    );
    return new Prometheus(url, child, folder);
  }

  /** `GET /api/v1/query_range`, a value a second. */
  async range(query: string, fromMs: number, untilMs: number): Promise<RangeResult> {
    const times = { start: String(fromMs / 1_000), end: String(untilMs / 1_000), step: '1' };
    const asked = new URLSearchParams({ query, ...times });
    const response = await fetch(`${this.#url}/api/v1/query_range?${asked}`);
    return answer.parse(await response.json()).data.result;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
