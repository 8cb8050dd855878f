/** Dashboards as plain data that tests can inspect, independent of Grafana's format. */

/** Grafana's unit ids: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ */
export type PanelUnit =
  | 's'
  | 'short'
  | 'ops'
  | 'percentunit'
  | 'bytes'
  | 'none'
  | 'dateTimeFromNow';

export interface Query {
  readonly expr: string;
  /** The name of the line. */
  readonly legend: string;
}

export interface Chart {
  readonly kind: 'lines' | 'number' | 'heatmap' | 'table';
  readonly title: string;
  /** What it shows and how to read it. */
  readonly description: string;
  readonly unit: PanelUnit;
  readonly queries: readonly Query[];
  /** Threshold: drawn as a line, with colour beyond it. */
  readonly limit?: number;
  /** Width in 24ths of the row; default 8. */
  readonly columns?: number;
  /** Why an empty result is normal. */
  readonly mayBeEmpty?: string;
  /** The source of the data if it is not the service; tests skip the query without it. */
  readonly source?: 'postgres exporter' | 'redis exporter' | 'k6';
  /** A link to the findings behind the number. */
  readonly evidence?: { readonly title: string; readonly url: string };
  /** Texts and colours for values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
}

export interface Section {
  readonly title: string;
  readonly charts: readonly Chart[];
}

/** A dashboard variable. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** Query for its values, for Grafana's Prometheus data source. */
  readonly query: string;
  /** Whether several values, or all, may be selected. */
  readonly many: boolean;
}

/** Annotations on every chart. */
export interface Mark {
  readonly name: string;
  readonly expr: string;
  readonly text: string;
  readonly color: string;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly choices: readonly Choice[];
  readonly marks: readonly Mark[];
  readonly sections: readonly Section[];
}

/** The variables that filter every dashboard of the service. */
export const choices: readonly Choice[] = [
  { name: 'job', label: 'job', query: 'label_values(lockstep_build_info, job)', many: true },
  {
    name: 'instance',
    label: 'replica',
    query: 'label_values(lockstep_build_info{job=~"$job"}, instance)',
    many: true,
  },
  {
    name: 'scenario',
    label: 'scenario',
    query: 'label_values(lockstep_commands_total{job=~"$job"}, scenario)',
    many: true,
  },
  {
    name: 'strategy',
    label: 'strategy',
    query: 'label_values(lockstep_violations_total{job=~"$job"}, strategy)',
    many: true,
  },
];

/** A link to the findings; a browser does not send the token, so copy the URL. */
export const evidence = {
  title: 'Findings: GET /admin/violations on the replica, with ADMIN_TOKEN',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of Grafana's
  url: 'http://${instance}/admin/violations?scenario=${__field.labels.scenario}&strategy=${__field.labels.strategy}',
} as const;

/** A strategy that was not running a minute ago is running now. */
export const changes: readonly Mark[] = [
  {
    name: 'Strategy in service',
    expr: 'sum by (job, strategy) (lockstep_build_info{job=~"$job"}) unless on (job, strategy) sum by (job, strategy) (lockstep_build_info{job=~"$job"} offset 1m)',
    text: '{{strategy}} is in service',
    color: 'blue',
  },
  {
    name: 'Strategy gets traffic',
    expr: '(sum by (job, strategy) (rate(lockstep_attempts_total{job=~"$job"}[1m])) > 0) unless on (job, strategy) (sum by (job, strategy) (rate(lockstep_attempts_total{job=~"$job"}[1m] offset 1m)) > 0)',
    text: '{{strategy}} gets traffic',
    color: 'purple',
  },
];
