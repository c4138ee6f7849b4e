// A scenario imported `with { type: "text" }` is its TOML.
declare module "*.toml" {
  const text: string;
  export default text;
}
