/** The server process for the HTTP floor: `bare`, `service` or `plain`. Prints its port. */
import { createServer } from 'node:http';
import { pino } from 'pino';
import type { Query } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import type { Engine } from '../../src/engine/serve.ts';
import { createApp } from '../../src/http/app.ts';
import { messageClasses } from '../../src/http/message-classes.ts';
import { httpServer, listen } from '../../src/http/server.ts';
import { Meter } from '../../src/telemetry/prometheus.ts';
import { Recorder } from '../../src/telemetry/recorder.ts';

/** Behaves like an engine whose database answers at once and always accepts. */
function withoutDatabase(): Pick<Engine, 'serve'> {
  const recorder = new Recorder(new Meter('process', { runtime: true }));
  const card: Query = async () => JSON.parse('[{"smallest":1}]');
  return {
    async serve({ scenario, variant, strategy, input }) {
      const startMs = performance.now();
      const plan = await scenario.registered.prepare(variant, input, card);
      const cell = { scenario: scenario.name, variant, strategy: strategy.name };
      for (const phase of ['pool', 'wait', 'hold', 'commit'] as const)
        recorder.phase(cell, phase, 0);
      const outcome = { kind: 'accepted', detail: '1', attempts: 1 } as const;
      const seconds = (performance.now() - startMs) / 1_000;
      recorder.outcome(cell, outcome, seconds, plan.auditKey);
      return { outcome, auditKey: plan.auditKey };
    },
  };
}

async function serviceServer(plain: boolean) {
  const registry = await loadRegistry([]);
  const strategy = registry.strategies.get('row-lock');
  if (!strategy) throw new Error("no strategy 'row-lock'");
  const unused = (): Promise<never> => Promise.reject(new Error('not available in the HTTP floor'));
  const app = createApp({
    choice: { registry, strategy, headersAllowed: false, missing: () => undefined },
    engine: withoutDatabase(),
    store: {
      ...{ query: unused, transact: unused, begin: unused, within: () => unused },
      close: async () => {},
    },
    log: pino({ level: 'info' }, { write() {} }),
    health: unused,
    metricsPage: unused,
    adminToken: undefined,
    audit: unused,
    evidence: unused,
    locks: undefined,
    history: undefined,
    tracer: undefined,
    stopping: () => false,
    failed: () => {},
  });
  return httpServer(app, plain ? {} : { classes: messageClasses(app) });
}

/** Reads the body, parses it, answers with JSON: the minimum for a POST route. */
function bareServer() {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { amountCents } = JSON.parse(Buffer.concat(chunks).toString());
      const text = JSON.stringify({ outcome: 'accepted', amountCents });
      response.writeHead(201, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    });
  });
}

const server =
  process.argv[2] === 'bare' ? bareServer() : await serviceServer(process.argv[2] === 'plain');
const port = await listen(server, { host: '127.0.0.1', port: 0, exclusive: true });
process.stdout.write(`listening on ${port}\n`);
