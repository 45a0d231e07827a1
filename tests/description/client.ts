// A client's code over the generated types: what it reads must be there, under these names.
import type { components, paths } from "./api";

type State = components["schemas"]["VehicleState"];
type Begin = paths["/v1/enrollments"]["post"]["requestBody"]["content"]["application/json"];
type Begun = paths["/v1/enrollments"]["post"]["responses"][201]["content"]["application/json"];
type Find = NonNullable<paths["/v1/vehicles"]["get"]["parameters"]["query"]>;

export const begin: Begin = { user_ref: "user-4711", brand: "peugeot", return_to: "https://app.example.com/cars" };
export const find: Find = { limit: 10, order: "desc", updated_since: "2026-01-31T12:00:00Z" };
export const link = (begun: Begun): string => begun.login_url;
export const next = (state: State): string | null | undefined => state.poll.next_poll_at;
