/** What a dashboard is made of, before Grafana's own shape: as data that tests can ask. */

/** Grafana's ids of units: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ */
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
  /** What a line is called. */
  readonly legend: string;
}

export interface Chart {
  readonly kind: 'lines' | 'number' | 'heatmap' | 'table';
  readonly title: string;
  /** What it shows and what to make of it. */
  readonly description: string;
  readonly unit: PanelUnit;
  readonly queries: readonly Query[];
  /** Drawn as a line and coloured beyond it. */
  readonly limit?: number;
  /** Of 24 columns; 8 unless said. */
  readonly columns?: number;
  /** Says why a query may rightly return nothing. */
  readonly mayBeEmpty?: string;
  /** Who answers, where it is not the service: then nothing is asked of it where that is not there. */
  readonly source?: 'postgres exporter' | 'redis exporter' | 'k6';
  /** Where the evidence behind the number is. */
  readonly evidence?: { readonly title: string; readonly url: string };
  /** Words for values, with a colour. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
}

export interface Section {
  readonly title: string;
  readonly charts: readonly Chart[];
}

/** A choice at the top of the dashboard. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** Its values, as a query of Grafana's Prometheus data source. */
  readonly query: string;
  /** Whether several, and all, may be chosen. */
  readonly many: boolean;
}

/** Marks on every chart. */
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

/** What every dashboard of the service is narrowed by. */
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

/** Where the operator reads what was found; a browser does not send the token by itself: copy the address. */
export const evidence = {
  title: 'Evidence: GET /admin/violations of the replica, with ADMIN_TOKEN',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of Grafana's
  url: 'http://${instance}/admin/violations?scenario=${__field.labels.scenario}&strategy=${__field.labels.strategy}',
} as const;

/** A strategy that was not in service a minute ago is now. */
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
