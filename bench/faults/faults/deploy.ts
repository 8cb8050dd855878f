import type { Fault } from '../fault.ts';
import type { Stage, StruckPrimary } from '../stage.ts';

interface Deploy {
  readonly old: StruckPrimary;
  /** Sends callers to the new one; undefined where it has not been started. */
  readonly serve: (() => void) | undefined;
}

const deploys = new WeakMap<Stage, Deploy>();

/** A rolling deploy: whoever is served is served to the end, and the next one finds the new service. */
export default {
  title: 'A deploy: a new service is started, callers are sent to it, the old one ends (SIGTERM)',
  strikes: 'process',
  events: [],
  harm: 'outage',
  replaces: true,
  outageFor: () => false,
  control: { without: 'the old one ends before the new one starts' },
  phases: [
    'commit sent',
    'holding',
    'written',
    'granted',
    'commit applied',
    'releasing',
    'waiting',
  ],
  needs: [],
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async prepare(stage) {
    const { service, undefended } = stage;
    const old = service.primary;
    deploys.set(stage, { old, serve: undefended ? undefined : await service.another() });
  },
  async inject(stage) {
    const deploy = deploys.get(stage);
    deploy?.serve?.();
    deploy?.old.signal('SIGTERM');
  },
  async heal(stage) {
    const deploy = deploys.get(stage);
    stage.letPass();
    await deploy?.old.gone();
    if (!deploy || deploy.serve) return;
    const serve = await stage.service.another();
    serve();
  },
} satisfies Fault;
