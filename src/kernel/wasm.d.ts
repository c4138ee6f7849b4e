// A WebAssembly file imported `with { type: "file" }` is its path, in the folder or inside the built binary.
declare module "*.wasm" {
  const path: string;
  export default path;
}
