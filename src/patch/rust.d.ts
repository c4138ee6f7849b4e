// Rust sources are imported as text (`with { type: "text" }`), so that they lie inside the binary.

declare module "*.rs" {
  const text: string;
  export default text;
}
