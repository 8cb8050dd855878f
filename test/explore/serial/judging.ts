import { type Exploration, explore } from '../../../src/explore/explore.ts';
import { judgedKinds } from '../../../src/explore/serial/finding.ts';
import { testServers } from '../../servers.ts';
import type { SerialCase } from './subjects.ts';

/** Explores it without an audit. */
export function judgedBySerialOrders(
  { subject }: SerialCase,
  redisUrl: string,
): Promise<Exploration> {
  const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
  return explore(subject, { servers });
}

/** The gravest kind that an order came to; the outcome where none was run. */
export function gravestOf({ serial, outcome }: Exploration): string {
  const found = judgedKinds.find(kind => (serial?.orders[kind] ?? 0) > 0);
  return found ?? (outcome === 'inconclusive' ? 'not judged' : outcome);
}
