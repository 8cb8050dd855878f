/** A Postgres whose standby takes over without what was written last: with acknowledgements, and without. */
import { randomBytes } from 'node:crypto';
import type { Fault } from './fault.ts';
import { until } from './live-service.ts';
import { replaceService } from './replace.ts';
import { tell } from './servers.ts';
import type { Lab, Stage, Surroundings } from './stage.ts';
import { openStandby, type Standby, streaming } from './standby.ts';

const recoveryMaxMs = 20_000;
const arrivesMs = 300; // what passes arrives, and is acknowledged by whoever may

/** Who is the primary now, and how to get at it. */
interface Primary {
  /** As a superuser. */
  readonly url: string;
  kill(): Promise<void>;
}

/** Two ways lead from the service to its Postgres: one to the primary, one to the standby. */
class Pair {
  #primary: Primary;
  #standby: Standby | undefined;
  #promoted = 0;
  readonly #lab: Lab;

  private constructor(lab: Lab, primary: Primary) {
    this.#lab = lab;
    this.#primary = primary;
  }

  /** Starts the service anew, with both addresses. */
  static async open(lab: Lab): Promise<Pair> {
    const [role, password] = [`standby_${randomBytes(4).toString('hex')}`, randomBytes(18)];
    const secret = password.toString('hex');
    await lab.sql(`create role ${role} superuser login password '${secret}'`);
    const url = new URL(lab.databaseUrl);
    url.username = role;
    url.password = secret;
    const [one, other] = [lab.wire.url, lab.otherWire.url].map(way => new URL(way).host);
    const hosts = new URL(lab.databaseUrl);
    const account = `${hosts.username}:${hosts.password}`;
    const both = `postgres://${account}@${one},${other}${hosts.pathname}?target_session_attrs=read-write`;
    await replaceService(lab.service, { DATABASE_URL: both });
    return new Pair(lab, { url: url.href, kill: () => lab.postgres.kill() });
  }

  /** A standby that has everything; `inStep`: COMMIT waits for it. */
  async standBy(inStep: boolean): Promise<void> {
    const { keeper, signal } = this.#lab;
    await this.#standby?.close();
    const standby = await openStandby({ keeper, primaryUrl: this.#primary.url, signal });
    this.#standby = standby;
    const account = new URL(this.#lab.databaseUrl);
    account.port = new URL(standby.url).port;
    this.#free.lead(account.href);
    if (inStep) await standby.inStep();
    await standby.caughtUp();
  }

  /** Cuts the way between the two, and lets the held commands write; then the standby takes over. */
  async failOver({ letPass, pause }: Pick<Stage, 'letPass' | 'pause'>): Promise<void> {
    const standby = this.#standby;
    if (!standby) throw new Error('there is no standby');
    standby.cut();
    letPass();
    await pause(arrivesMs);
    await this.#primary.kill();
    await standby.promote();
    this.#lab.lookAt(standby.url);
    this.#promoted += 1;
    this.#primary = { url: standby.url, kill: async () => tell(standby.pid, 'SIGQUIT') };
  }

  /** As it was before: the first primary, with all that it had. */
  async close(): Promise<void> {
    const { wire, otherWire, databaseUrl, lookAt, postgres, service } = this.#lab;
    await this.#standby?.close();
    if (this.#standby) tell(this.#standby.pid, 'SIGQUIT');
    if (this.#promoted > 0) {
      await this.#primary.kill();
      lookAt(undefined);
      await postgres.restart();
      await this.#recovered();
    }
    wire.lead(databaseUrl);
    otherWire.lead(databaseUrl);
    await this.#lab.sql('alter system reset all');
    await this.#lab.sql('select pg_reload_conf()');
    await replaceService(service);
  }

  /** It goes through its log before it takes connections. */
  async #recovered(): Promise<void> {
    const { sql, signal } = this.#lab;
    const answers = () =>
      sql('select 1').then(
        () => true,
        () => false,
      );
    await until(answers, recoveryMaxMs, 'the first primary did not come back', signal);
  }

  /** The way that leads to nobody who takes writes. */
  get #free() {
    const { wire, otherWire } = this.#lab;
    return this.#promoted % 2 === 0 ? otherWire : wire;
  }
}

const pairs = new WeakMap<Lab, Pair>();

async function surroundings(lab: Lab): Promise<Surroundings> {
  const pair = await Pair.open(lab);
  pairs.set(lab, pair);
  return { close: () => pair.close() };
}

type Kind = Pick<Fault, 'title' | 'control' | 'phases'> & {
  readonly forgets?: true;
  readonly inStep: boolean;
};

/** The same course for both; who is undefended has a standby that nobody waits for. */
export function standbyFault({ inStep, ...kind }: Kind): Fault {
  return {
    ...kind,
    strikes: 'postgres',
    events: ['session lost'],
    harm: 'lost acknowledgement',
    needs: [streaming],
    lastsMs: ({ leaseMs }) => 2 * leaseMs,
    surroundings,
    async prepare({ lab, undefended }) {
      await pairs.get(lab)?.standBy(inStep && !undefended);
    },
    async inject(stage) {
      await pairs.get(stage.lab)?.failOver(stage);
    },
    async heal() {},
  };
}
