import { metricsDocument } from '../src/telemetry/document.ts';
import { boards } from './boards/index.ts';
import { dashboardOf } from './dashboard.ts';
import { alertRules } from './rules/alerts.ts';
import { recordingRules } from './rules/recording.ts';
import { rulesYaml } from './rules/yaml.ts';

/** Every file that is generated from the metrics table, by its path from the project's root. */
export function artefacts(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/metrics.md', metricsDocument()],
    ...[...boards].map(
      ([name, board]) => [`grafana/dashboards/${name}.json`, json(dashboardOf(board))] as const,
    ),
    ['grafana/rules/recording.yml', rulesYaml('lockstep-recording', recordingRules)],
    ['grafana/rules/alerts.yml', rulesYaml('lockstep-alerts', alertRules)],
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
