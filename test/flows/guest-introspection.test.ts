/** What a resource server learns of a guest token, and what nobody else does. */
import { Agent, get as plainGet } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuests } from '../../src/guest/guests.ts';
import { type Answer, postForm } from '../support/http.ts';
import { analytics, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  movableClock,
  other,
  ownRows,
  portal,
  proof,
  proofKey,
} from './guest-support.ts';
