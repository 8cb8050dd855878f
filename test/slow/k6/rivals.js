/**
 * Bursts of rivals: each iteration makes one appointment request and has all its offers accepted at
 * once, spread over the processes by their own addresses (keep-alive would pin all to one).
 */
import { fail } from 'k6';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const { PROCESS_URLS, STRATEGY, RIVALS, ROUNDS, SUMMARY } = __ENV;
const urls = PROCESS_URLS.split(',');
const rivals = Number(RIVALS);
const counters = {
  accepted: new Counter('told_accepted'),
  refused: new Counter('told_refused'),
  other: new Counter('told_other'),
};

export const options = {
  batch: rivals,
  batchPerHost: 0,
  scenarios: {
    rivals: {
      executor: 'shared-iterations',
      vus: 4,
      iterations: Number(ROUNDS),
      maxDuration: '60s',
    },
  },
};

const json = { 'content-type': 'application/json' };
const params = { headers: { ...json, 'lock-strategy': STRATEGY }, timeout: '20s' };
const therapistIds = Array.from({ length: rivals }, (_, index) => String(index + 1));

export default function burst() {
  const body = JSON.stringify({ client: `k6 ${STRATEGY}`, therapistIds });
  const made = http.post(`${urls[0]}/appointment-requests`, body, { headers: json });
  if (made.status !== 201) fail(`no request was made: ${made.status} ${made.body}`);
  const calls = made.json('offers').map(({ id }, index) => {
    const url = urls[index % urls.length];
    return ['POST', `${url}/appointment-offers/${id}/accept`, '{}', params];
  });
  for (const { status } of http.batch(calls)) counters[toldBy(status)].add(1);
}

function toldBy(status) {
  if (status === 201) return 'accepted';
  return status === 409 ? 'refused' : 'other';
}

export function handleSummary({ metrics }) {
  const count = name => metrics[name]?.values.count ?? 0;
  const counts = {
    iterations: count('iterations'),
    accepted: count('told_accepted'),
    refused: count('told_refused'),
    other: count('told_other'),
  };
  return { [SUMMARY]: JSON.stringify(counts) };
}
