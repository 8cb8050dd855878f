import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../src/services/index.ts';
import { ask } from '../http/requests.ts';

const samples = z.array(
  z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
);
const answer = z.object({
  status: z.literal('success'),
  data: z.object({ resultType: z.string(), result: z.unknown() }),
});

const lookEveryMs = 250; // each look is a query: more of them would be the load

/** Waits for a condition, at most `limitMs`; throws with `what` when it does not come. */
export async function eventually(
  what: string,
  condition: () => Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`did not happen within ${limitMs} ms: ${what}`);
    await delay(lookEveryMs);
  }
}

/** One series of an answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus on a port and in a folder of its own. */
export class PrometheusServer {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #said: string[] = [];

  private constructor(path: string, port: number, folder: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#folder = folder;
    this.#child = spawn(path, [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
    ]);
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#said.push(chunk.toString()));
  }

  /** Scrapes each target every 3 s, as jobs by their name. Resolves when it is ready. */
  static async start(
    path: string,
    targets: Readonly<Record<string, string>>,
    ruleFiles: readonly string[],
  ): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
    const config = {
      global: { scrape_interval: '3s', evaluation_interval: '1s' },
      rule_files: ruleFiles,
      scrape_configs: Object.entries(targets).map(([job_name, target]) => ({
        job_name,
        static_configs: [{ targets: [target] }],
      })),
    };
    writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
    const server = new PrometheusServer(path, await freePort(), folder);
    await eventually(
      'Prometheus is ready',
      async () => {
        if (server.#child.exitCode !== null) throw new Error(server.#said.join(''));
        const reply = await ask(`${server.url}/-/ready`).catch(() => undefined);
        return reply?.status === 200;
      },
      60_000,
    );
    return server;
  }

  /** Rejects with what Prometheus has against the query. */
  async query(expr: string): Promise<readonly Sample[]> {
    const reply = await ask(`${this.url}/api/v1/query?query=${encodeURIComponent(expr)}`);
    if (reply.status !== 200) throw new Error(`${expr}\n${reply.text}`);
    const { data } = answer.parse(reply.body);
    return samples
      .parse(data.result)
      .map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** What `GET /api/v1/…` answers. */
  async api(path: string): Promise<unknown> {
    return (await ask(`${this.url}/api/v1/${path}`)).body.data;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
