// The flags that all commands share which touch channels.

import {
  type AskedPacketLayout,
  AUTO_PACKET_LAYOUT,
  PACKET_LAYOUT_NAMES,
  PACKET_LAYOUTS,
  USUAL_PACKET_LAYOUT,
} from "../shape/packet-layouts.ts";
import { choice, onOff, path, text } from "./flags.ts";

const GROUP = "Channels";
/** "agave2 for Agave 2.x and 3.x (1264 bytes), ..." */
const LAYOUTS_TEXT = PACKET_LAYOUT_NAMES.map((name) => {
  const { users, bytes } = PACKET_LAYOUTS[name];
  return `${name} for ${users} (${bytes} bytes)`;
}).join(", ");

function layoutFlag(help: string, fallback: AskedPacketLayout) {
  return choice([AUTO_PACKET_LAYOUT, ...PACKET_LAYOUT_NAMES], {
    help: `${help}; ${LAYOUTS_TEXT}`,
    group: GROUP,
    fallback,
  });
}

/** The configuration file. The only flag that is not a key of it. */
export const CONFIG_FLAG = path({
  help: "qos.toml with a key for each flag of run; a flag beats the environment, which beats the file",
  env: "QOS_CONFIG",
  group: "Configuration",
});

/** The layout of channels that a command makes, or makes room for. */
export const MADE_LAYOUT_FLAG = layoutFlag(
  `the layout of the packets: auto takes that of the channels that are there, and ${USUAL_PACKET_LAYOUT} where none is`,
  USUAL_PACKET_LAYOUT,
);

export const CHANNEL_FLAGS = {
  prefix: text({
    help: "put before each channel's name, so that two sidecars or a test have channels of their own",
    hint: "NAME_",
    group: GROUP,
    fallback: "",
    // Names of files in one folder: nothing that leaves it or hides in it.
    pattern: /^$|^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/,
    allowed: "up to 100 letters, digits, _ . or -, beginning with a letter, a digit or _",
  }),
  useHugePages: onOff({ help: "the channels lie on 2 MiB pages, in /mnt/hugepages", group: GROUP }),
  packetLayout: layoutFlag("the layout of the packets: auto takes that of the channels that are there", "auto"),
  config: CONFIG_FLAG,
};
