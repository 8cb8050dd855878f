import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import type { Subject } from '../../src/explore/run/stage.ts';
import { testServers } from '../servers.ts';

const setup = `
  create table slot (id int primary key, seats int not null);
  create table booking (id serial primary key, slot_id int not null, who text not null);
  insert into slot values (1, 1)`;
const servers = { pgUrl: testServers().postgresUrl };

function booked(file: string, env: Readonly<Record<string, string>> = {}): Subject {
  const app = fileURLToPath(new URL(file, import.meta.url));
  const caller = (who: string) => ({
    service: { command: [process.execPath, app] as [string, string], env },
    request: {
      path: '/slots/1/bookings',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ who }),
    },
    warm: true,
  });
  return { setup, actors: { ann: caller('ann'), bob: caller('bob') } };
}

describe('services that stay from order to order', () => {
  const express = '../../examples/own-code/express-booking/app.mjs';

  test('show the race of an unmodified service', async () => {
    const found = await explore(booked(express), { servers, preemptions: 1 });
    expect([found.outcome, found.why]).toEqual(['unsafe', expect.any(String)]);
    expect(found.serial?.orders['effects differ']).toBeGreaterThan(0);
  });

  test('and its cure in every order', async () => {
    const cure = booked(express, { BOOK_UNDER_LOCK: '1' });
    const found = await explore(cure, { servers, preemptions: 1 });
    expect([found.outcome, found.why]).toEqual(['safe', expect.any(String)]);
  });

  test('a service that remembers in memory is not called warm', async () => {
    const found = await explore(booked('remembering-service.mjs'), { servers, preemptions: 1 });
    expect(found.outcome).not.toBe('safe');
    expect(found.why).toContain('a service answers');
  });
});
