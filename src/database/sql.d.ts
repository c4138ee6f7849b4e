// Statements are imported as text (`with { type: "text" }`), so that they lie inside the binary.
declare module "*.sql" {
  const statements: string;
  export default statements;
}
