// Lines out of a stream of bytes, with a bound: what comes in is not trusted to contain line ends.

const LINE_END = 10;
const NOTHING = new Uint8Array(0);

/**
 * @param chunks bytes as they come
 * @param mostBytes a longer line is given as undefined, and never held in memory
 * @returns the lines without their ends; the last one also where no line end follows it
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<string | undefined> {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const take = (): string | undefined => {
    const line = bytes > mostBytes ? undefined : decoder.decode(Buffer.concat(parts, bytes));
    parts = [];
    bytes = 0;
    return line;
  };
  const keep = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes > mostBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      keep(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    // A copy: the runtime may use the chunk's memory again.
    keep(from === chunk.length ? NOTHING : chunk.slice(from));
  }
  if (bytes > 0) yield take();
}
