/** The data of the analytics product: one table in memory, with the rows of all customers. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export type Table = 'orders' | 'invoices';

/** `amount` in whole euros, `day` as `2026-03-19`. */
export const columns = ['id', 'tenant', 'day', 'customer', 'amount'] as const;

export type Row = Record<string, unknown>;

/** A WHERE condition with its bound parameters, in the order of the placeholders. */
export type Condition = { readonly sql: string; readonly params: readonly SQLInputValue[] };

export type Warehouse = ReturnType<typeof openWarehouse>;

const tenants = {
  blue: {
    customers: ['Harbour Foods', 'Lindqvist & Co', 'Mistral Sails', 'Polar Freight'],
    amounts: [4200, 3150, 5480, 2960, 6120, 4875, 3990, 7240, 6685, 5310, 8450, 7065],
  },
  green: {
    customers: ['Birkenhof', 'Fennel & Rye', 'Moosbach AG', 'Oakline'],
    amounts: [6840, 2390, 3120, 5075, 4460, 2715, 7930, 4280, 3645, 6190, 2880, 5525],
  },
  amber: {
    customers: ['Calder Glass', 'Sunfield', 'Tawny Port', 'Wheatley'],
    amounts: [1980, 2240, 1765, 3310, 2890, 2105, 2560, 3045, 2770, 1890, 3420, 2615],
  },
  violet: {
    customers: ['Iris Optics', 'Lilac Lane', 'Plumworks', 'Thistle'],
    amounts: [9120, 8340, 7715, 9880, 8265, 9430, 7990, 8675, 9240, 8110, 9955, 8820],
  },
};

/** Read-only once it is filled. */
export function openWarehouse() {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE orders (id TEXT PRIMARY KEY, tenant TEXT, day TEXT, customer TEXT, amount INTEGER)');
  const insert = db.prepare('INSERT INTO orders VALUES (?, ?, ?, ?, ?)');
  for (const [tenant, { customers, amounts }] of Object.entries(tenants)) {
    for (const [index, amount] of amounts.entries()) {
      const id = `${tenant.charAt(0).toUpperCase()}-${1001 + index}`;
      const customer = customers[(index * 3) % customers.length] ?? '';
      insert.run(id, tenant, dayOf(index), customer, amount);
    }
  }
  db.exec("CREATE TABLE invoices AS SELECT 'I' || id AS id, tenant, day, customer, amount FROM orders");
  db.exec('PRAGMA query_only = ON');

  /**
   * The newest rows that match the condition, at most `limit`; `undefined` when the condition names an unknown
   * column. A query without a condition is not possible.
   */
  function find(table: Table, { sql, params }: Condition, limit: number): readonly Row[] | undefined {
    const query = `SELECT ${columns.join(', ')} FROM ${table} WHERE (${sql}) ORDER BY day DESC, id DESC LIMIT ?`;
    try {
      return db.prepare(query).all(...params, limit);
    } catch (error) {
      if (isSqlError(error)) return undefined;
      throw error;
    }
  }

  return { find };
}

/** Two orders a month, from January 2026. */
function dayOf(index: number): string {
  const month = String(Math.floor(index / 2) + 1).padStart(2, '0');
  return `2026-${month}-${index % 2 === 0 ? '06' : '19'}`;
}

function isSqlError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}
