import { Server, Socket } from 'node:net';
import { currentRealm } from './actor-realm.ts';
import { put } from './put.ts';
import { connecting } from './reach.ts';

/** Remembers which sockets an actor opened, so that a crash can take them silently, and where they lead. */
export function watchSockets(): (() => void)[] {
  const { connect: realConnect, write: realWrite } = Socket.prototype;
  const realListen = Server.prototype.listen;
  return [
    put(Socket.prototype, 'connect', function (this: Socket, ...values: unknown[]) {
      const realm = currentRealm();
      const target = connecting(this, values);
      if (realm !== undefined && !realm.connects(this)) return this;
      realm?.reach.connects(this, target);
      return Reflect.apply(realConnect, this, values);
    }),
    put(Socket.prototype, 'write', function (this: Socket, ...values: unknown[]) {
      currentRealm()?.reach.writes(this);
      return Reflect.apply(realWrite, this, values);
    }),
    put(Server.prototype, 'listen', function (this: Server, ...values: unknown[]) {
      currentRealm()?.reach.listens(this);
      return Reflect.apply(realListen, this, values);
    }),
  ];
}
