import { type ActorRealm, currentRealm } from './actor-realm.ts';
import { put, putGetter } from './put.ts';

/** Date, performance, hrtime and Math.random of the actor whose code is running. */
export function replaceClocks(): (() => void)[] {
  const RealDate = Date;
  const realNow = performance.now.bind(performance);
  const realOrigin = performance.timeOrigin;
  const realHr = process.hrtime;
  const realUptime = process.uptime.bind(process);
  const realRandom = Math.random;
  const elapsedMs = (realm: ActorRealm): number => realm.readClock() - realm.startMs;
  const hrtime = (since?: [number, number]): [number, number] => {
    const realm = currentRealm();
    if (realm === undefined) return realHr(since);
    const ms = elapsedMs(realm) - (since === undefined ? 0 : since[0] * 1e3 + since[1] / 1e6);
    return [Math.floor(ms / 1e3), Math.round((ms % 1e3) * 1e6)];
  };
  const nanoseconds = (realm: ActorRealm): bigint => BigInt(Math.round(elapsedMs(realm) * 1e6));
  const bigint = (): bigint => {
    const realm = currentRealm();
    return realm === undefined ? realHr.bigint() : nanoseconds(realm);
  };
  const ofRealm = (inside: (realm: ActorRealm) => number, outside: () => number) => () => {
    const realm = currentRealm();
    return realm === undefined ? outside() : inside(realm);
  };
  const VirtualDate = dateOfRealms(RealDate);
  return [
    put(globalThis, 'Date', VirtualDate),
    put(RealDate.prototype, 'constructor', VirtualDate),
    put(performance, 'now', ofRealm(elapsedMs, realNow)),
    putGetter(
      performance,
      'timeOrigin',
      ofRealm(
        realm => realm.startMs,
        () => realOrigin,
      ),
    ),
    put(process, 'hrtime', Object.assign(hrtime, { bigint })),
    put(
      process,
      'uptime',
      ofRealm(realm => elapsedMs(realm) / 1e3, realUptime),
    ),
    put(Math, 'random', () => currentRealm()?.random() ?? realRandom()),
  ];
}

function dateOfRealms(RealDate: DateConstructor): DateConstructor {
  const now = (): number => currentRealm()?.readClock() ?? RealDate.now();
  const VirtualDate: DateConstructor = new Proxy(RealDate, {
    construct: (target, values: unknown[], self): object => {
      const realm = currentRealm();
      const dated = realm !== undefined && values.length === 0 ? [realm.readClock()] : values;
      return Reflect.construct(target, dated, self === VirtualDate ? target : self);
    },
    apply: target => new target(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
  return VirtualDate;
}
