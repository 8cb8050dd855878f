/** The servers themselves, not the gates; `pgUrl` names the exploration's own database. */
export interface WorldServers {
  readonly pgUrl: string;
  readonly redisUrls: readonly string[];
}

export interface ServerUrls {
  /** A role that may create databases; the exploration makes one and drops it. */
  readonly pgUrl: string;
  /** All databases of these servers are emptied before every execution: one with keys is refused. */
  readonly redisUrls?: readonly string[];
  /** Services that the actors call over HTTP/1.1, each call being a step. */
  readonly httpUrls?: readonly string[];
}
