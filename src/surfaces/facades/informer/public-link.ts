/**
 * Addresses that show a report to everybody who opens them. The token is part of the address, so only tokens that
 * were made for this have one: those of published reports, and native ones with `purpose: public_link`, where a
 * viewer is configured.
 */
import type { GuestRecord } from '../../../guest/record/guest-record.ts';
import type { FacadeRealm } from '../shared/facade.ts';
import { clientIdOf } from '../shared/minting.ts';
import { type InformerSection, informerSection } from './options.ts';

export function linkTo({ guest }: FacadeRealm, value: string): string {
  return `${guest.issuer}/view/${encodeURIComponent(value)}`;
}

/** The link of a native token with this value; `undefined` for a token without a link. */
export function publicLinkOf(realm: FacadeRealm, record: GuestRecord, value: string): string | undefined {
  const given = realm.view.compat?.['informer'];
  if (given === undefined || record.granted.purpose !== 'public_link') return undefined;
  const section = informerSection.parse(given);
  if (section.enabled === false || section.viewer === undefined) return undefined;
  return isPublicLink(realm, section, record) ? linkTo(realm, value) : undefined;
}

/** Whether a link with this token is redirected to the viewer. */
export function isShown(realm: FacadeRealm, section: InformerSection, record: GuestRecord): boolean {
  return record.clientId === clientIdOf('informer') || isPublicLink(realm, section, record);
}

/** True for a token of one report of the section, at its API, that somebody with only the link can use. */
function isPublicLink(
  { view, guest }: FacadeRealm,
  section: InformerSection,
  { granted, audiences, jkt, 'x5t#S256': certificate }: GuestRecord,
): boolean {
  const api = section.api === undefined ? guest.defaultApi : view.apis.find(({ id }) => id === section.api);
  const [report, ...others] = granted.resources;
  return (
    granted.purpose === 'public_link' &&
    (granted.format === 'opaque' || granted.format === 'uuid') &&
    jkt === undefined &&
    certificate === undefined &&
    report?.type === 'report' &&
    others.length === 0 &&
    section.reports.includes(report.id) &&
    api !== undefined &&
    (report.locations ?? audiences).includes(api.audience) &&
    audiences.includes(api.audience)
  );
}
