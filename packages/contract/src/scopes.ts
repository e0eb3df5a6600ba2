/**
 * What an API key may do. A key carries one or more scopes; each route names the one it needs.
 * `events` and `read` are safe in a web page; the others belong on a server.
 */
export const keyScopes = ["events", "read", "catalog", "rules", "users", "admin"] as const;

/** One permission of an API key. */
export type KeyScope = (typeof keyScopes)[number];

/** What each scope allows, for the documentation. */
export const scopeMeanings: Readonly<Record<KeyScope, string>> = {
  events: "Send behaviour events",
  read: "Ask for recommendations, search results and catalogue records",
  catalog: "Change and delete items",
  rules:
    "Change, try and publish merchandisers' rules, read why they did not apply, and teach the search synonyms and words",
  users: "Read, export and erase one user's data",
  admin: "Everything else: snapshots, training, tasks, keys, metrics, the list of users",
};
