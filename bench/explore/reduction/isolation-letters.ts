/** Isolation above READ COMMITTED, in every spelling; the gate does not treat SET as a step. */
export const stated = [
  'begin isolation level $l',
  'begin | set transaction isolation level $l',
  "begin | set local transaction_isolation = '$l'",
  "set default_transaction_isolation = '$l' | begin",
  "select set_config('default_transaction_isolation', '$l', false) | begin",
  "begin | select set_config('transaction_isolation', '$l', true)",
  'set session characteristics as transaction isolation level $l | begin',
  "begin isolation level $l; set local lock_timeout = '10s'",
  'begin isolation level $l | savepoint s',
  'begin isolation level $l | lock table bill in access share mode',
  'start transaction isolation level $l',
  'begin isolation level $l | select 1',
  'begin isolation level $l | select version() is null',
];
