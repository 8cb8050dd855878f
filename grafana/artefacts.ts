import { metricsDocument } from '../src/telemetry/document.ts';
import { boards } from './boards/index.ts';
import { dashboardOf } from './dashboard.ts';
import { dashboardConfigMaps, prometheusRule } from './kubernetes.ts';
import { alertRules } from './rules/alerts.ts';
import { recordingRules } from './rules/recording.ts';
import { rulesYaml } from './rules/yaml.ts';

/** Every file that is generated from the metrics table, by its path from the project's root. */
export function artefacts(): ReadonlyMap<string, string> {
  const dashboards = new Map([...boards].map(([name, board]) => [name, json(dashboardOf(board))]));
  const groups = new Map([
    ['lockstep-recording', recordingRules],
    ['lockstep-alerts', alertRules],
  ]);
  return new Map([
    ['docs/metrics.md', metricsDocument()],
    ...[...dashboards].map(([name, text]) => [`grafana/dashboards/${name}.json`, text] as const),
    ['grafana/rules/recording.yml', rulesYaml('lockstep-recording', recordingRules)],
    ['grafana/rules/alerts.yml', rulesYaml('lockstep-alerts', alertRules)],
    ['deploy/base/dashboards.yaml', dashboardConfigMaps(dashboards)],
    ['deploy/base/prometheus-rule.yaml', prometheusRule(groups)],
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
