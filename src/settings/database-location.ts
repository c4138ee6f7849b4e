// Where a database is. Made from flags and the environment by settings/database-flags.ts.

export type Location =
  | { readonly kind: "sqlite"; readonly path: string }
  | {
      readonly kind: "postgres";
      readonly url: string;
      /** Without the password, for messages. */
      readonly shown: string;
    };

const POSTGRES = /^postgres(ql)?:\/\/\S+$/;

/** @returns undefined for what is no PostgreSQL address with a host and a database's name */
export function postgresLocation(text: string): Location | undefined {
  if (!POSTGRES.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const host = url.hostname || url.searchParams.get("host");
  if (!host || url.pathname.length < 2) return undefined;
  const user = url.username === "" ? "" : `${url.username}@`;
  const port = url.port === "" ? "" : `:${url.port}`;
  return { kind: "postgres", url: text, shown: `postgres://${user}${host}${port}${url.pathname}` };
}

/** A location as messages may show it. */
export function shownLocation(location: Location): string {
  return location.kind === "sqlite" ? location.path : location.shown;
}
