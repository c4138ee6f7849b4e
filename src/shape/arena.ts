// The arena: one shared WebAssembly memory that holds every channel and every table, seen through typed arrays by the
// loop, by the kernel and by other threads. Reserved once, never grown. Where its pages come from (plain memory, or
// shared-memory files laid over them) is not known here: see ffi/.

const WASM_PAGE_BYTES = 65_536;
/** A shared WebAssembly memory ends at 4 GiB. */
export const ARENA_MAX_BYTES = 65_536 * WASM_PAGE_BYTES;

/** Views of the whole arena; an index is an arena offset divided by the element's size. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly u64: BigUint64Array;
  readonly view: DataView;

  constructor(memory: WebAssembly.Memory) {
    const buffer = memory.buffer as unknown;
    if (!(buffer instanceof SharedArrayBuffer)) throw new TypeError("the arena needs a shared WebAssembly memory");
    this.memory = memory;
    this.buffer = buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.view = new DataView(buffer);
  }

  /**
   * Reserves a zeroed arena.
   * @param bytes rounded up to WebAssembly pages
   * @throws RangeError beyond 4 GiB
   */
  static reserve(bytes: number): Arena {
    const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
    if (bytes > ARENA_MAX_BYTES) {
      throw new RangeError(`the arena would need ${bytes} bytes, and shared memory ends at ${ARENA_MAX_BYTES}`);
    }
    return new Arena(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
  }
}
