import type { Context } from 'koa';
import type { UnitOfWork } from '../../storage/port/unit-of-work.ts';

/** The unit that belongs to a request. */
const units = new WeakMap<object, UnitOfWork>();

export function assignUnit(ctx: object, unit: UnitOfWork): void {
  units.set(ctx, unit);
}

export function findUnit(ctx: object): UnitOfWork | undefined {
  return units.get(ctx);
}

/** Throws when the request has none: a route that writes was mounted without one. */
export function unitOf(ctx: Pick<Context, 'path'>): UnitOfWork {
  const unit = units.get(ctx);
  if (unit === undefined) throw new Error(`no unit of work for ${ctx.path}`);
  return unit;
}
