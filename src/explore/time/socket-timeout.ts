import { AsyncResource } from 'node:async_hooks';
import { Socket } from 'node:net';
import { currentRealm } from './actor-realm.ts';
import { put } from './put.ts';
import type { VirtualTimer } from './virtual-timer.ts';

const timers = new WeakMap<Socket, VirtualTimer>();

/**
 * `socket.setTimeout`, which runs on timers inside Node: a client's time limit for connecting or for
 * an answer is a limit in its own time. Bytes in either direction begin it again.
 */
export function replaceSocketTimeouts(): (() => void)[] {
  const realSet = Socket.prototype.setTimeout;
  const unref = '_unrefTimer';
  const realUnref: unknown = Reflect.get(Socket.prototype, unref);
  function set(this: Socket, ms: number, callback?: () => void): Socket {
    const realm = currentRealm();
    timers.get(this)?.close();
    timers.delete(this);
    if (realm === undefined || !Number.isFinite(ms)) {
      return Reflect.apply(realSet, this, callback === undefined ? [ms] : [ms, callback]);
    }
    Reflect.set(this, 'timeout', ms);
    if (ms === 0) {
      if (callback !== undefined) this.removeListener('timeout', callback);
      return this;
    }
    const fire = AsyncResource.bind(() => this.emit('timeout'));
    timers.set(this, realm.add(fire, ms, undefined));
    this.once('close', () => timers.get(this)?.close());
    if (callback !== undefined) this.once('timeout', callback);
    return this;
  }
  function moved(this: Socket): void {
    timers.get(this)?.refresh();
    if (typeof realUnref === 'function') Reflect.apply(realUnref, this, []);
  }
  return [put(Socket.prototype, 'setTimeout', set), put(Socket.prototype, unref, moved)];
}
