// `qos inspect CHANNEL`: a channel's header, the processes alive on it, its newest elements; without CHANNEL all eight in a
// table. It only reads, through a descriptor that may not write: nobody is disturbed, not even by a heartbeat. With
// `--record`, see record.ts.

import { SystemError } from "../../../ffi/libc.ts";
import { closeFile, statFile } from "../../../ffi/shared-memory.ts";
import { type NotJoined, openToRead, sameFile } from "../../channel/files.ts";
import { Peek, readHeader } from "../../channel/snapshot.ts";
import { Failure } from "../../failure.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { count, duration, onOff, path, type ValuesOf } from "../../settings/flags.ts";
import { OUTCOME_CHANNEL, PACKET_CHANNELS } from "../../shape/channels.ts";
import {
  failureOf,
  findChannel,
  LIFE_WATCH_MS,
  layoutOf,
  type NamedChannel,
  namedChannels,
  placeOf,
} from "../channels/channel-files.ts";
import {
  type ChannelLook,
  describeLook,
  lookAtChannel,
  OVERVIEW_HEAD,
  overviewCells,
} from "../channels/channel-look.ts";
import { type Show, type Shown, showerOf } from "../channels/elements.ts";
import { describeRecorded, record } from "../channels/record.ts";
import { command } from "../command.ts";
import type { Output } from "../output.ts";
import { table } from "../table.ts";
import { untilSignal } from "../until-signal.ts";

/** While nothing is new: soon enough for eyes, rare enough to cost nothing. */
const LULL_MS = 20;
/** How often the file is looked at for having been re-created. */
const SAME_FILE_MS = 500;
const COUNT_DEFAULT = 10;
const COUNT_MAX = 1_048_576;
const DURATION_MAX_MS = 24 * 3_600_000;
const CHANNEL_HELP = "a channel's name, such as tpu_to_qos";

function openChannel({ path, shape }: NamedChannel): number {
  const opened = openToRead(path, shape);
  if (typeof opened === "number") return opened;
  throw new Failure(whyNot(path, opened));
}

function whyNot(path: string, not: NotJoined): string {
  if (not.state === "refused") return not.message;
  if (not.state === "absent") return `${path} does not exist: qos init creates it, or its producer when it starts`;
  return `${path} is not initialised yet: its producer has not begun`;
}

/** The seed that stands in the scheduler's channel, for packet hashes; undefined if none can be read. */
function standingSeed(channels: readonly NamedChannel[]): bigint | undefined {
  const { path, shape } = channels[OUTCOME_CHANNEL];
  const opened = openToRead(path, shape);
  if (typeof opened !== "number") return undefined;
  try {
    return readHeader(opened, path).metadataWord || undefined;
  } finally {
    closeFile(opened);
  }
}

/** Hands on what is there, at most `most`. */
function readNewest(peek: Peek, most: number, use: (shown: Shown) => void, show: Show): void {
  let left = most;
  while (left > 0) {
    const read = peek.read((index, element) => use(show(index, element)), left);
    if (read === 0) return;
    left -= read;
  }
}

/** A channel that is open for reading, and where the reading stands. */
class Reading {
  fd: number;
  peek: Peek;
  #said = "";

  constructor(
    readonly channel: NamedChannel,
    backlog: number,
  ) {
    this.fd = openChannel(channel);
    this.peek = new Peek(this.fd, channel.path, channel.shape, backlog);
  }

  close(): void {
    closeFile(this.fd);
  }

  /** Looks whether the channel was created anew, and goes on with the new one from its beginning. */
  lookAgain(out: Output): void {
    const { path, shape } = this.channel;
    const identity = statFile(this.fd, path);
    if (sameFile({ path, identity, bytes: identity.bytes })) return;
    const opened = openToRead(path, shape);
    if (typeof opened === "number") {
      this.close();
      this.fd = opened;
      this.peek = new Peek(opened, path, shape, shape.capacity);
      this.#say(`${path} was re-created`, out);
    } else this.#say(whyNot(path, opened), out);
  }

  #say(text: string, out: Output): void {
    if (text !== this.#said) out.note(text);
    this.#said = text;
  }
}

/** Hands on each new element until nobody reads the output any more. */
async function follow(reading: Reading, use: (shown: Shown) => void, show: Show, out: Output): Promise<void> {
  let lookedAt = performance.now();
  while (!out.closed()) {
    const read = reading.peek.read((index, element) => use(show(index, element)), Number.POSITIVE_INFINITY);
    if (read === 0) await Bun.sleep(LULL_MS);
    if (performance.now() - lookedAt < SAME_FILE_MS) continue;
    lookedAt = performance.now();
    reading.lookAgain(out);
  }
}

const FLAGS = {
  ...CHANNEL_FLAGS,
  count: count({ help: "how many of the newest elements", min: 0, max: COUNT_MAX, fallback: COUNT_DEFAULT }),
  follow: onOff({ help: "go on with each new element, until Ctrl-C" }),
  jsonl: onOff({ help: "print the elements alone, one JSON object a line" }),
  json: onOff({ help: "print header and elements as one JSON object" }),
  record: path({
    help: "write each new packet with its time into this file, which must not be there yet; for qos simulate --replay",
    group: "Recording",
  }),
  duration: duration({
    help: "with --record: for how long [default until Ctrl-C]",
    min: 100,
    max: DURATION_MAX_MS,
    fallback: undefined,
    group: "Recording",
  }),
};

type Values = ValuesOf<typeof FLAGS>;

/** Records one packet channel, or all of them. */
async function recording(values: Values, file: string, name: string | undefined, out: Output): Promise<number> {
  if (values.jsonl || values.follow)
    throw new UsageError("--record prints no elements; leave --jsonl and --follow out");
  const packetLayout = layoutOf(values);
  const channels = namedChannels(placeOf(values), packetLayout);
  const found = name === undefined ? undefined : findChannel(channels, values.prefix, name);
  if (typeof found === "string") throw new UsageError(found);
  const ids = PACKET_CHANNELS.filter((id) => found === undefined || channels[id] === found);
  if (ids.length === 0) {
    const names = PACKET_CHANNELS.map((id) => channels[id].spec.name).join(", ");
    throw new UsageError(`--record records packet channels: ${names}`);
  }
  const { stop, done } = untilSignal();
  try {
    const forMs = values.duration;
    const recorded = await record({ path: file, packetLayout, channels, forMs, stop }, ids, out);
    if (values.json) out.json(recorded);
    else for (const line of describeRecorded(recorded)) out.line(line);
    return EXIT_FINE;
  } catch (error) {
    throw error instanceof SystemError ? failureOf(error) : error;
  } finally {
    done();
  }
}

/** Watches one channel of the eight. @returns what is seen, or why there is none */
async function look(channel: NamedChannel): Promise<ChannelLook | string> {
  const opened = openToRead(channel.path, channel.shape);
  if (typeof opened !== "number") {
    if (opened.state === "refused") return opened.message;
    return opened.state === "absent" ? "not there" : "not initialised yet";
  }
  try {
    return await lookAtChannel(channel, opened, LIFE_WATCH_MS);
  } finally {
    closeFile(opened);
  }
}

/** All channels, watched at the same moment, one line each. */
async function overview(values: Values, out: Output): Promise<number> {
  if (values.jsonl || values.follow) throw new UsageError(`--jsonl and --follow need CHANNEL: ${CHANNEL_HELP}`);
  const channels = namedChannels(placeOf(values), layoutOf(values));
  const found = await Promise.all(channels.map(look));
  if (values.json) {
    out.json(
      channels.map(({ spec, path }, id) => {
        const one = found[id];
        return typeof one === "string" ? { channel: spec.name, path, problem: one } : one;
      }),
    );
    return EXIT_FINE;
  }
  const rows = channels.map(({ spec }, id) => {
    const one = found[id];
    if (typeof one !== "string") return overviewCells(one);
    return [spec.name, spec.from, spec.to, "", "", "", "", one === "not there" ? one : "see below"];
  });
  for (const line of table(OVERVIEW_HEAD, rows)) out.line(line);
  channels.forEach(({ spec }, id) => {
    const one = found[id];
    if (typeof one === "string" && one !== "not there") out.line(`${spec.name}: ${one}`);
  });
  if (found.every((one) => one === "not there")) {
    out.note(
      `no channel of prefix "${values.prefix}" is there: qos init creates them, or their producers when they start`,
    );
  }
  return EXIT_FINE;
}

export default command({
  name: "inspect",
  summary: "shows a channel and its newest elements",
  about:
    "Shows a channel's header, how fast it runs and who is alive on it, and its newest elements in words: packets with " +
    "their transactions, outcomes, signatures. With --record FILE it records packets instead, of the channel or of all " +
    "packet channels. Without CHANNEL it shows all eight: whether they are there, who is alive on them, how fast they run. " +
    "It takes the packet layout of the channels that are there. It only reads and can be run beside anything at any time.",
  flags: FLAGS,
  positionals: [{ name: "CHANNEL", help: CHANNEL_HELP, required: false }],
  examples: [
    { line: "qos inspect", says: "all channels: which are there, who is alive, how fast they run" },
    { line: "qos inspect tpu_to_qos", says: "the header and the ten newest packets" },
    { line: "qos inspect qos_to_sig --count 0", says: "the header alone: is the sidecar alive, how much does it send" },
    { line: "qos inspect sch_to_qos --jsonl --follow", says: "what the scheduler answers, as it comes" },
    { line: "qos inspect --record monday.rec --duration 1m", says: "a minute of all packet channels, to be replayed" },
  ],
  run: async ({ values, positionals, out }) => {
    if (values.record !== undefined) return await recording(values, values.record, positionals[0], out);
    if (values.duration !== undefined) throw new UsageError("--duration is for --record");
    if (positionals[0] === undefined) return await overview(values, out);
    if (values.json && (values.jsonl || values.follow)) {
      throw new UsageError("--json prints one object at the end; --jsonl is the one for lines and for --follow");
    }
    const packetLayout = layoutOf(values);
    const channels = namedChannels(placeOf(values), packetLayout);
    const channel = findChannel(channels, values.prefix, positionals[0]);
    if (typeof channel === "string") throw new UsageError(channel);
    const show = showerOf(channel.spec.kind, { packetLayout, seed: standingSeed(channels) });
    const elements: Shown["fields"][] = [];
    const use = (shown: Shown): void => {
      if (values.json) elements.push(shown.fields);
      else if (values.jsonl) out.json(shown.fields);
      else out.line(shown.text);
    };
    try {
      const reading = new Reading(channel, values.count);
      try {
        const seen = values.jsonl ? undefined : await lookAtChannel(channel, reading.fd, LIFE_WATCH_MS);
        if (seen !== undefined && !values.json) for (const line of describeLook(seen)) out.line(line);
        readNewest(reading.peek, values.count, use, show);
        if (values.json) out.json({ ...seen, elements });
        if (values.follow) await follow(reading, use, show, out);
      } finally {
        reading.close();
      }
    } catch (error) {
      throw error instanceof SystemError ? failureOf(error) : error;
    }
    return EXIT_FINE;
  },
});
