// The new files of the patch: our Rust sources, and where each of them goes. The binary carries them.

import bridge from "./bridge/bridge.rs" with { type: "text" };
import channel from "./bridge/channel.rs" with { type: "text" };
import intake from "./bridge/intake.rs" with { type: "text" };
import glue from "./bridge/mod.rs" with { type: "text" };
import outlet from "./bridge/outlet.rs" with { type: "text" };
import packet from "./bridge/packet.rs" with { type: "text" };
import pending from "./bridge/pending.rs" with { type: "text" };
import reports from "./bridge/reports.rs" with { type: "text" };
import settings from "./bridge/settings.rs" with { type: "text" };
import outcomes from "./runtime/outcomes.rs" with { type: "text" };

/** The crates of a validator that the patch touches. */
export type CrateName = "solana-core" | "solana-runtime";

export interface NewFile {
  readonly crate: CrateName;
  /** Relative to the crate's folder. */
  readonly path: string;
  readonly text: string;
}

/** First words of each file of ours. `--undo` removes no file that does not begin with them. */
export const FILE_MARK = "// Written by `qos patch`";
const HEADING = `${FILE_MARK}, which also removes it (--undo). Changes made here are lost when it runs again.\n`;

/** The folder of solana-core that holds the bridge. It is ours alone. */
export const BRIDGE_FOLDER = "src/qos_bridge";

const inCore = (name: string, text: string): NewFile => ({
  crate: "solana-core",
  path: `${BRIDGE_FOLDER}/${name}.rs`,
  text: HEADING + text,
});

export const NEW_FILES: readonly NewFile[] = [
  inCore("mod", glue),
  inCore("bridge", bridge),
  inCore("channel", channel),
  inCore("intake", intake),
  inCore("outlet", outlet),
  inCore("packet", packet),
  inCore("pending", pending),
  inCore("reports", reports),
  inCore("settings", settings),
  { crate: "solana-runtime", path: "src/qos_outcomes.rs", text: HEADING + outcomes },
];
