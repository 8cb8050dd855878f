/** The only file that uses Grafana's SDK: turns boards into Grafana's JSON. */
import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  MappingType,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import type { Board, Chart, Choice, Mark, Query } from './board.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
const datasource = { type: 'prometheus', uid: '${datasource}' };
const columnsUsually = 8;
const rowsUsually = 8;
const tag = 'lockstep';

/** A board as Grafana's JSON. */
export function dashboardOf(board: Board): Dashboard {
  const dashboard = new DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags([tag])
    .readonly()
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .timezone('browser')
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('data source').type('prometheus'),
    )
    .link(
      new DashboardLinkBuilder('Lockstep')
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    );
  for (const choice of board.choices) dashboard.withVariable(variable(choice));
  for (const mark of board.marks) dashboard.annotation(annotation(mark));
  let id = 0;
  for (const { title, charts } of board.sections) {
    dashboard.withRow(new RowBuilder(title));
    for (const chart of charts) {
      id += 1;
      const panel = panelOf(chart, id);
      dashboard.withPanel({ build: () => panel });
    }
  }
  return dashboard.build();
}

function variable({ name, label, query, many }: Choice): QueryVariableBuilder {
  const built = new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
  return many ? built.multi(true).includeAll(true).allValue('.+') : built;
}

function annotation({ name, expr, text, color }: Mark): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(color)
    .expr(expr)
    .titleFormat(text)
    .step('30s');
}

function panelOf(chart: Chart, id: number): Panel {
  const panel = drawn(chart)
    .id(id)
    .title(chart.title)
    .description(described(chart))
    .datasource(datasource)
    .unit(chart.unit)
    .span(chart.columns ?? columnsUsually)
    .height(rowsUsually)
    .targets(chart.queries.map((query, index) => target(query, index, chart.kind)));
  if (chart.limit !== undefined) panel.thresholds(thresholds(chart.limit));
  if (chart.evidence) panel.dataLinks([link(chart.evidence)]);
  if (chart.words) {
    const options = Object.fromEntries(Object.entries(chart.words));
    panel.mappings([{ type: MappingType.ValueToText, options }]);
  }
  if (chart.mayBeEmpty) panel.noValue('–');
  return panel.build();
}

type Drawn =
  | timeseries.PanelBuilder
  | stat.PanelBuilder
  | heatmap.PanelBuilder
  | table.PanelBuilder;

function drawn({ kind, limit }: Chart): Drawn {
  if (kind === 'number') {
    const latest = new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']);
    return new stat.PanelBuilder().reduceOptions(latest);
  }
  if (kind === 'table') return new table.PanelBuilder();
  if (kind === 'heatmap')
    return new heatmap.PanelBuilder()
      .calculate(false)
      .yAxis(new heatmap.YAxisConfigBuilder().unit('s'));
  const lines = new timeseries.PanelBuilder().min(0).fillOpacity(0);
  if (limit === undefined) return lines;
  const style = new common.GraphThresholdsStyleConfigBuilder();
  return lines.thresholdsStyle(style.mode(common.GraphThresholdsStyleMode.Dashed));
}

function described({ description, mayBeEmpty }: Chart): string {
  return mayBeEmpty ? `${description}\n\nMay be empty: ${mayBeEmpty}.` : description;
}

function target({ expr, legend }: Query, index: number, kind: Chart['kind']): DataqueryBuilder {
  const query = new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .datasource(datasource)
    .expr(expr)
    .legendFormat(legend);
  if (kind === 'heatmap') return query.range().format(PromQueryFormat.Heatmap);
  return kind === 'table' ? query.instant().format(PromQueryFormat.Table) : query.range();
}

function thresholds(limit: number): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'green' },
    { value: limit, color: 'red' },
  ]);
}

function link({ title, url }: { readonly title: string; readonly url: string }) {
  return new DashboardLinkBuilder(title).url(url).targetBlank(true);
}
