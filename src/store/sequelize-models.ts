import {
  DataTypes,
  type Model,
  type ModelAttributeColumnOptions,
  type ModelStatic,
  type Sequelize,
} from 'sequelize';
import type { ColumnType, Row, Table } from '../contract/index.ts';

const types = {
  bigint: DataTypes.BIGINT,
  integer: DataTypes.INTEGER,
  text: DataTypes.TEXT,
  boolean: DataTypes.BOOLEAN,
} as const satisfies Record<ColumnType, unknown>;

type Models = Map<string, ModelStatic<Model>>;

/**
 * Sequelize models of the tables with deciding rows. Each table has two, because with `version:
 * true` every `save` compares and increments the version, which only some strategies want.
 */
export class SequelizeModels {
  readonly #sequelize: Sequelize;
  readonly #plain: Models = new Map();
  readonly #versioned: Models = new Map();

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  of<R extends Row>(table: Table<R>, compared: boolean): ModelStatic<Model> {
    const models = compared ? this.#versioned : this.#plain;
    const known = models.get(table.name);
    if (known) return known;
    const name = compared ? `${table.name} (versioned)` : table.name;
    const model = this.#sequelize.define(name, attributesOf(table), {
      tableName: table.name,
      timestamps: false,
      version: compared,
    });
    models.set(table.name, model);
    return model;
  }
}

function attributesOf<R extends Row>(table: Table<R>): Record<string, ModelAttributeColumnOptions> {
  const columns = Object.entries<ColumnType>(table.columns);
  return Object.fromEntries(
    columns.map(([name, type]) => [name, { type: types[type], primaryKey: name === 'id' }]),
  );
}
